// A fault is a change of one source file: real code, with one line more (a kill point) or one mistake (a planted bug). It is made
// while the file is loaded, in the process that is to have it, so the product itself knows nothing of faults.

import { readFileSync } from 'node:fs';

export interface SourceChange {
  /** Its path from the root of the repository. */
  readonly file: string;
  /** Text that is in the file exactly once. */
  readonly find: string;
  readonly replace: string;
}

const ROOT = new URL('../../../', import.meta.url);

export function fileUrl({ file }: SourceChange): string {
  return new URL(file, ROOT).href;
}

/** The text with the change made. Throws when it is not the text the change was written for: a fault that is not there proves nothing. */
export function applyChange(text: string, { file, find, replace }: SourceChange): string {
  const parts = text.split(find);
  if (parts.length !== 2) throw new Error(`${file} holds ${parts.length - 1} times, not once: ${find}`);
  return parts.join(replace);
}

/** Throws when a change does not fit its file any more. */
export function checkChange(change: SourceChange): void {
  applyChange(readFileSync(new URL(change.file, ROOT), 'utf8'), change);
}
