import { createHash, randomUUID } from 'node:crypto';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ByteSource } from './text-decoding.ts';

/** An upload on disk, for the import to read twice. Its file has no name any more: whatever happens, nothing is left of it. */
export interface Spool {
  readonly bytes: number;
  /** Of the bytes as they were sent. */
  readonly sha256: string;
  readonly open: ByteSource;
  close(): Promise<void>;
}

const READ_BYTES = 256 * 1024;

/** Writes a stream to a nameless temporary file. A stream that fails, or that `onBytes` refuses, leaves nothing behind. */
export async function spoolUpload(stream: AsyncIterable<Uint8Array>, onBytes: (total: number) => void): Promise<Spool> {
  const path = join(tmpdir(), `alma-upload-${randomUUID()}`);
  const file = await open(path, 'wx+', 0o600);
  try {
    await unlink(path);
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const piece of stream) {
      onBytes(bytes + piece.length);
      hash.update(piece);
      await file.writeFile(piece);
      bytes += piece.length;
    }
    return { bytes, sha256: hash.digest('hex'), open: () => readFrom(file), close: () => file.close() };
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
