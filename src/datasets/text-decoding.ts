import { isUtf8 } from 'node:buffer';
import type { DataFault } from '../errors.ts';

/** Bytes that can be read again from the beginning: the import goes over a file twice. */
export type ByteSource = () => AsyncIterable<Uint8Array>;

/** A piece of text, or why there is none: `lines` line ends of this piece come before the place. */
export type TextPiece =
  | { readonly text: string }
  | { readonly fault: Pick<DataFault, 'code' | 'detail' | 'received'>; readonly lines: number };

/** First bytes of files that are often given a wrong name. */
const SIGNATURES: readonly (readonly [name: string, bytes: readonly number[]])[] = [
  ['a PNG image', [0x89, 0x50, 0x4e, 0x47]],
  ['a JPEG image', [0xff, 0xd8, 0xff]],
  ['a GIF image', [0x47, 0x49, 0x46, 0x38]],
  ['an ELF program', [0x7f, 0x45, 0x4c, 0x46]],
  ['a zip archive (or a spreadsheet)', [0x50, 0x4b, 0x03, 0x04]],
  ['gzip-compressed data', [0x1f, 0x8b]],
  ['a PDF document', [0x25, 0x50, 0x44, 0x46, 0x2d]],
  ['a Parquet file', [0x50, 0x41, 0x52, 0x31]],
  ['a NumPy array', [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]],
  ['an SQLite database', [0x53, 0x51, 0x4c, 0x69, 0x74, 0x65, 0x20, 0x66]],
];

const JSON_START = /^\s*[[{]\s*["{[\]}]/;
const BYTE_ORDER_MARK = '\ufeff';

/** UTF-8 text of a stream of bytes, without its byte order mark. Ends after the first fault. */
export async function* decodeText(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<TextPiece> {
  let carried: Buffer = Buffer.alloc(0);
  let first = true;
  for await (const chunk of bytes) {
    const joined = Buffer.concat([carried, chunk]);
    // A signature may arrive in pieces.
    if (first && joined.length < 16) {
      carried = joined;
      continue;
    }
    const whole = joined.subarray(0, joined.length - incompleteTail(joined));
    carried = joined.subarray(whole.length);
    const piece = decodePiece(whole, first);
    first = false;
    yield piece;
    if ('fault' in piece) return;
  }
  if (carried.length > 0) yield decodePiece(carried, first);
}

function decodePiece(bytes: Buffer, first: boolean): TextPiece {
  const refused = first ? foreignFormat(bytes) : null;
  if (refused !== null) return { fault: refused, lines: 0 };
  const nul = bytes.indexOf(0);
  if (nul !== -1) {
    return {
      fault: { code: 'nul_byte', detail: 'The file holds a NUL byte: it is not text.' },
      lines: countLineEnds(bytes.subarray(0, nul)),
    };
  }
  if (!isUtf8(bytes)) {
    return {
      fault: { code: 'not_utf8', detail: 'The file is not UTF-8 here; save it as UTF-8.' },
      lines: countLineEnds(bytes.subarray(0, startOfBadLine(bytes))),
    };
  }
  const text = bytes.toString('utf8');
  if (!first) return { text };
  if (JSON_START.test(text)) {
    return {
      fault: {
        code: 'unsupported_format',
        detail: 'The file is JSON, not CSV; post it as application/json {"rows": [{…}]}.',
        received: 'JSON',
      },
      lines: 0,
    };
  }
  return { text: text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text };
}

function foreignFormat(bytes: Buffer): Pick<DataFault, 'code' | 'detail' | 'received'> | null {
  if (startsWith(bytes, [0xff, 0xfe]) || startsWith(bytes, [0xfe, 0xff])) {
    return { code: 'not_utf8', detail: 'The file is UTF-16; save it as UTF-8.', received: 'UTF-16' };
  }
  const known = SIGNATURES.find(([, signature]) => startsWith(bytes, signature));
  if (known === undefined) return null;
  return { code: 'unsupported_format', detail: `The file is ${known[0]}, not CSV; its content decides, not its name.`, received: known[0] };
}

function startsWith(bytes: Buffer, signature: readonly number[]): boolean {
  return signature.every((byte, place) => bytes[place] === byte);
}

/** How many bytes at the end begin a character that the next chunk completes. */
function incompleteTail(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const length = characterLength(bytes[bytes.length - back] ?? 0);
    if (length > 0) return length > back ? back : 0;
  }
  return 0;
}

/** Bytes of the UTF-8 character that begins with this byte; 0 for a byte from the middle of one. */
function characterLength(lead: number): number {
  if (lead < 0x80) return 1;
  if (lead < 0xc0) return 0;
  if (lead < 0xe0) return 2;
  return lead < 0xf0 ? 3 : 4;
}

/** Lines can be checked one by one, since no byte of a longer UTF-8 character is a line feed. */
function startOfBadLine(bytes: Buffer): number {
  let start = 0;
  while (start < bytes.length) {
    const found = bytes.indexOf(0x0a, start);
    const end = found === -1 ? bytes.length : found + 1;
    if (!isUtf8(bytes.subarray(start, end))) return start;
    start = end;
  }
  return start;
}

function countLineEnds(bytes: Buffer): number {
  return bytes.toString('latin1').match(/\r\n|\n|\r/g)?.length ?? 0;
}
