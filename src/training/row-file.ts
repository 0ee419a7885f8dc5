import { readNumbers, writeNumbers } from '../lib/file-numbers.ts';

/** Numbers of one kind in each row: features, or a target. */
export interface RowPart {
  readonly width: number;
  readonly type: 'float32' | 'int32';
}

type Numbers = Float32Array | Int32Array;

/** Encoded rows in a file, one after another, each with all its parts: what does not fit in memory is read by row number. */
export interface RowFile {
  /** Rows for which there is memory at once. */
  readonly rowsAtOnce: number;
  /** Adds so many rows, given as one array per part. */
  append(parts: readonly Numbers[], rows: number): void;
  /** These rows in this order, one array per part. The next call writes to the same memory again. */
  read(rows: Int32Array): Numbers[];
}

/** Rows closer together than this are read in one go: skipping what lies between would take longer. */
const GAP_BYTES = 16 * 1024;
const READ_BYTES = 1024 * 1024;

/** Rows in a file that is empty. `bytesAtOnce`: the memory that a read is to take. */
export function createRowFile(fd: number, parts: readonly RowPart[], bytesAtOnce: number): RowFile {
  const words = parts.reduce((sum, { width }) => sum + width, 0);
  const rowBytes = words * Int32Array.BYTES_PER_ELEMENT;
  const reach = { rows: Math.max(1, Math.floor(READ_BYTES / rowBytes)), gap: Math.floor(GAP_BYTES / rowBytes) + 1 };
  const rowsAtOnce = Math.max(1, Math.floor(bytesAtOnce / rowBytes));
  let [written, room] = [0, createRoom(parts, 0)];
  let run = new Int32Array(0);

  return {
    rowsAtOnce,
    append(given, rows) {
      const block = new Int32Array(rows * words);
      for (const { bits, width, at } of placed(parts, given)) {
        for (let row = 0; row < rows; row += 1) block.set(bits.subarray(row * width, (row + 1) * width), row * words + at);
      }
      writeNumbers(fd, written * rowBytes, block);
      written += rows;
    },
    read(rows) {
      if (room.rows < rows.length) room = createRoom(parts, rows.length);
      if (run.length === 0) run = new Int32Array(reach.rows * words);
      const targets = placed(parts, room.numbers);
      const sorted = inFileOrder(rows);
      for (let from = 0; from < rows.length; ) {
        const to = endOfRun(sorted, from, reach);
        const first = sorted.row(from);
        readNumbers(fd, first * rowBytes, run.subarray(0, (sorted.row(to - 1) - first + 1) * words));
        for (; from < to; from += 1) {
          const [start, place] = [(sorted.row(from) - first) * words, sorted.place(from)];
          for (const { bits, width, at } of targets) bits.set(run.subarray(start + at, start + at + width), place * width);
        }
      }
      return room.numbers.map((numbers, part) => numbers.subarray(0, rows.length * (parts[part]?.width ?? 0)));
    },
  };
}

interface SortedRows {
  readonly count: number;
  /** Row numbers from the smallest to the largest, */
  row(k: number): number;
  /** and where each stood in what was asked for. */
  place(k: number): number;
}

/** Sorted as one number per row, which is many times faster than with a comparison. Rows × places stay below 2^53. */
function inFileOrder(rows: Int32Array): SortedRows {
  const count = rows.length;
  const keys = Float64Array.from(rows, (row, place) => row * count + place).sort();
  return { count, row: (k) => Math.floor((keys[k] ?? 0) / count), place: (k) => (keys[k] ?? 0) % count };
}

/** Up to where rows lie close enough together to be read at once. */
function endOfRun(sorted: SortedRows, from: number, reach: { readonly rows: number; readonly gap: number }): number {
  const first = sorted.row(from);
  let end = from + 1;
  for (let previous = first; end < sorted.count; end += 1) {
    const row = sorted.row(end);
    if (row - previous > reach.gap || row - first >= reach.rows) break;
    previous = row;
  }
  return end;
}

function createRoom(parts: readonly RowPart[], rows: number): { readonly rows: number; readonly numbers: readonly Numbers[] } {
  return {
    rows,
    numbers: parts.map(({ width, type }) => (type === 'int32' ? new Int32Array(rows * width) : new Float32Array(rows * width))),
  };
}

/** Arrays as bits, which are copied as they are, and where in a row they stand. */
function placed(parts: readonly RowPart[], numbers: readonly Numbers[]) {
  let at = 0;
  return parts.flatMap(({ width }, part) => {
    const array = numbers[part];
    if (array === undefined) return [];
    const bits = new Int32Array(array.buffer, array.byteOffset, array.length);
    at += width;
    return [{ bits, width, at: at - width }];
  });
}
