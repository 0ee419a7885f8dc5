import { createHash } from 'node:crypto';

/** Of the pieces one after another, texts in UTF-8; hexadecimal. */
export function sha256(...pieces: readonly (Uint8Array | string)[]): string {
  const hash = createHash('sha256');
  for (const piece of pieces) hash.update(piece);
  return hash.digest('hex');
}
