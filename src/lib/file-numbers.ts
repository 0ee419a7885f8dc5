import { readSync, writeSync } from 'node:fs';

type Numbers = Float64Array | Float32Array | Int32Array | Uint8Array;

/** One call moves at most about 2 GiB. */
const BYTES_PER_CALL_MAX = 2 ** 30;

/** Fills an array from a place in a file, which must be long enough. */
export function readNumbers<Kind extends Numbers>(fd: number, position: number, numbers: Kind): Kind {
  move(numbers, (bytes, done) => readSync(fd, bytes, 0, bytes.length, position + done));
  return numbers;
}

/** An open file of which one array at a time is read. */
export function readableFile({ fd, bytes }: { readonly fd: number; readonly bytes: number }) {
  return { bytes, read: (position: number, target: Uint8Array): void => void readNumbers(fd, position, target) };
}

/** Writes an array to a place in a file. */
export function writeNumbers(fd: number, position: number, numbers: Numbers): void {
  move(numbers, (bytes, done) => writeSync(fd, bytes, 0, bytes.length, position + done));
}

function move({ buffer, byteOffset, byteLength }: Numbers, call: (bytes: Uint8Array, done: number) => number): void {
  for (let done = 0; done < byteLength; ) {
    const moved = call(new Uint8Array(buffer, byteOffset + done, Math.min(byteLength - done, BYTES_PER_CALL_MAX)), done);
    if (moved === 0) throw new Error(`the file ends ${byteLength - done} bytes too soon`);
    done += moved;
  }
}
