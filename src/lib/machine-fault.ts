// What the operating system refuses has nothing to do with the request that met it: another machine, or this one later, may do it.

const NO_ROOM = ['ENOSPC', 'EDQUOT', 'EFBIG'];

/** Whether a file could not be written because the disk, or its owner's share of it, is full. */
export function isDiskFull(error: unknown): boolean {
  const code = machineFault(error);
  return code !== null && NO_ROOM.includes(code);
}

/** The code of a system call that failed, such as `EMFILE`; null for any other error. */
export function machineFault(error: unknown): string | null {
  return error instanceof Error && 'syscall' in error && 'code' in error && typeof error.code === 'string' ? error.code : null;
}
