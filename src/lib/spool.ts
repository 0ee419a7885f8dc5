import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { openNamelessFile } from './nameless-file.ts';

/** A stream on disk: an upload for the import to read twice, a table or a state for a training to read in any order. */
export interface Spool {
  readonly bytes: number;
  /** Of the bytes as they were sent. */
  readonly sha256: string;
  readonly open: () => AsyncIterable<Uint8Array>;
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
    return { bytes, sha256: hash.digest('hex'), open: () => readFrom(file), fd: file.fd, close: () => file.close() };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function* readFrom(file: FileHandle): AsyncGenerator<Uint8Array> {
  for (let at = 0; ; ) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(READ_BYTES), 0, READ_BYTES, at);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
    at += bytesRead;
  }
}
