import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { openNamelessFile } from './nameless-file.ts';

/** A stream on disk: an upload for the import to read twice, a table or a state for a training to read in any order. */
export interface Spool {
  readonly bytes: number;
  /** Of the bytes as they were sent. */
  readonly sha256: string;
  readonly open: () => AsyncIterable<Uint8Array>;
  /** Bytes `start` (inclusive) to `end` (exclusive). */
  readonly read: (start: number, end: number) => AsyncIterable<Uint8Array>;
  /** For threads of this process, until it is closed. */
  readonly fd: number;
  close(): Promise<void>;
}

const READ_BYTES = 256 * 1024;

/** Writes a stream to a nameless temporary file. A stream that fails, or that `onBytes` refuses, leaves nothing behind. */
export async function spool(stream: AsyncIterable<Uint8Array>, onBytes: (total: number) => void): Promise<Spool> {
  const file = await openNamelessFile();
  try {
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const piece of stream) {
      onBytes(bytes + piece.length);
      hash.update(piece);
      await file.writeFile(piece);
      bytes += piece.length;
    }
    const read = (start: number, end: number) => readPart(file, start, Math.min(end, bytes));
    return { bytes, sha256: hash.digest('hex'), open: () => read(0, bytes), read, fd: file.fd, close: () => file.close() };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function* readPart(file: FileHandle, start: number, end: number): AsyncGenerator<Uint8Array> {
  for (let at = start; at < end; ) {
    const length = Math.min(READ_BYTES, end - at);
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(length), 0, length, at);
    if (bytesRead === 0) throw new Error(`a spooled file ends ${end - at} bytes too soon`);
    yield buffer.subarray(0, bytesRead);
    at += bytesRead;
  }
}
