import type { BlobStore } from '../blobs/blob-store.ts';

/** A safetensors file, to be sent whole or in part. */
export interface WeightsFile {
  readonly bytes: number;
  /** A name of these very bytes. */
  readonly etag: string;
  /** Bytes `start` (inclusive) to `end` (exclusive). */
  read(start: number, end: number): AsyncIterable<Uint8Array>;
  readAll(): Promise<Uint8Array>;
  /** Whoever opened it closes it. */
  close(): Promise<void>;
}

/** Opens the weights stored as a blob; their bytes are read when they are sent. */
export async function openWeights(blobs: Pick<BlobStore, 'info' | 'readRange' | 'readAll'>, blobId: string): Promise<WeightsFile> {
  const { bytes, sha256 } = await blobs.info(blobId);
  return {
    bytes,
    etag: sha256,
    read: (start, end) => blobs.readRange(blobId, start, end),
    readAll: () => blobs.readAll(blobId),
    close: () => Promise.resolve(),
  };
}
