import { randomUUID } from 'node:crypto';
import { openSync, unlinkSync } from 'node:fs';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Opens such a file once more, by its number, for this thread: whoever ends the thread may close theirs at any time, and a number of
 * a closed file is soon that of another one. Files of a thread end with it.
 */
export function openAgain(fd: number, flags: 'r' | 'r+'): number {
  return openSync(`/dev/fd/${fd}`, flags);
}

/** A temporary file that has no name any more: it ends with its handle or its process, and nothing is left of it. */
export async function openNamelessFile(): Promise<FileHandle> {
  const path = temporaryPath();
  const file = await open(path, 'wx+', 0o600);
  try {
    await unlink(path);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** The same, by its number: whoever takes it closes it. */
export function openNamelessFd(): number {
  const path = temporaryPath();
  const fd = openSync(path, 'wx+', 0o600);
  unlinkSync(path);
  return fd;
}

function temporaryPath(): string {
  return join(tmpdir(), `alma-spool-${randomUUID()}`);
}
