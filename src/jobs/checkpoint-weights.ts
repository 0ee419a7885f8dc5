import { buffer } from 'node:stream/consumers';
import type { BlobStore } from '../blobs/blob-store.ts';
import { HEAD_LENGTH_BYTES, headBytes, memoryFile, type ReadableFile, weightsOfState } from '../engine/index.ts';
import type { WeightsFile } from '../models/weights-file.ts';

type Reads = Pick<BlobStore, 'readRange' | 'verify'>;

/** What is known of a stored state. */
interface StoredState {
  readonly blobId: string;
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

/**
 * The weights in a checkpoint as a file like that of trained weights. A state can be larger than the memory there is for requests, so
 * their bytes are taken out of it while they are sent. Throws BlobError when the state is not what was stored.
 */
export async function openCheckpointWeights(blobs: Reads, { blobId, bytes, sha256 }: StoredState): Promise<WeightsFile> {
  await blobs.verify(blobId, sha256);
  const { head, spans } = weightsOfState(await readHead(blobs, blobId, bytes));
  const total = spans.reduce((sum, span) => sum + span.bytes, head.length);
  async function* read(start: number, end: number): AsyncGenerator<Uint8Array> {
    if (start < head.length) yield head.subarray(start, end);
    let before = head.length;
    for (const span of spans) {
      const from = Math.max(start - before, 0);
      const to = Math.min(end - before, span.bytes);
      if (from < to) yield* blobs.readRange(blobId, span.at + from, span.at + to);
      before += span.bytes;
    }
  }
  return { bytes: total, etag: `${sha256}-weights`, read, readAll: () => buffer(read(0, total)) };
}

/** A state of which only what stands before the numbers can be read. */
async function readHead(blobs: Reads, blobId: string, bytes: number): Promise<ReadableFile> {
  const length = headBytes(await buffer(blobs.readRange(blobId, 0, HEAD_LENGTH_BYTES)));
  const head = await buffer(blobs.readRange(blobId, 0, length));
  return { ...memoryFile(head), bytes };
}
