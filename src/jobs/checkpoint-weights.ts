import { buffer } from 'node:stream/consumers';
import type { BlobStore } from '../blobs/blob-store.ts';
import { weightsOfState } from '../engine/index.ts';
import { readableFile } from '../lib/file-numbers.ts';
import type { Spool } from '../lib/spool.ts';
import type { WeightsFile } from '../models/weights-file.ts';

/** What is known of a stored state. */
interface StoredState {
  readonly blobId: string;
  /** Hexadecimal. */
  readonly sha256: string;
}

/**
 * The weights in a checkpoint as a file like that of trained weights. A state can be larger than the memory there is for requests, and
 * can be thinned out while it is sent, so it is brought to disk and its weights are taken out there. Throws BlobError when the
 * state is not what was stored.
 */
export async function openCheckpointWeights(blobs: Pick<BlobStore, 'spool'>, { blobId, sha256 }: StoredState): Promise<WeightsFile> {
  const state = await blobs.spool(blobId, sha256);
  try {
    return weightsFile(state, `${sha256}-weights`);
  } catch (error) {
    await state.close();
    throw error;
  }
}

function weightsFile(state: Spool, etag: string): WeightsFile {
  const { head, spans } = weightsOfState(readableFile(state));
  const total = spans.reduce((sum, span) => sum + span.bytes, head.length);
  async function* read(start: number, end: number): AsyncGenerator<Uint8Array> {
    if (start < head.length) yield head.subarray(start, end);
    let before = head.length;
    for (const span of spans) {
      const from = Math.max(start - before, 0);
      const to = Math.min(end - before, span.bytes);
      if (from < to) yield* state.read(span.at + from, span.at + to);
      before += span.bytes;
    }
  }
  return { bytes: total, etag, read, readAll: () => buffer(read(0, total)), close: state.close };
}
