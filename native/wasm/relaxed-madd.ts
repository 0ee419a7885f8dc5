/*
 * LLVM before 16 knows a draft of relaxed SIMD: it writes the fused multiply-add (f32x4.fma) as 0xfd 0xaf 0x01 where the standard has
 * f32x4.relaxed_madd, 0xfd 0x85 0x02 (https://github.com/WebAssembly/relaxed-simd/blob/main/proposals/relaxed-simd/Overview.md). Both take three
 * vectors and leave one, in as many bytes, so only the number of the instruction is rewritten, at the instructions of the code section.
 */

const CODE_SECTION = 10;
const DRAFT_MADD = 0xaf;
const RELAXED_MADD = [0x85, 0x02] as const;

/** Rewrites every draft multiply-add of a module in place and counts them. Throws at an instruction it does not know. */
export function useRelaxedMadd(module: Uint8Array): number {
  let rewritten = 0;
  for (const { id, from, to } of sectionsOf(module)) {
    if (id !== CODE_SECTION) continue;
    const reader = new Reader(module, from);
    const functions = reader.number();
    for (let i = 0; i < functions; i += 1) {
      const end = reader.number() + reader.at;
      skipLocals(reader);
      while (reader.at < end) rewritten += passInstruction(reader);
    }
    if (reader.at !== to) throw new Error('the code section does not end with its last function');
  }
  return rewritten;
}

export interface Section {
  readonly id: number;
  /** Its contents in the module, `to` exclusive. */
  readonly from: number;
  readonly to: number;
}

/** The sections of a module in order. */
export function sectionsOf(module: Uint8Array): Section[] {
  const sections: Section[] = [];
  const reader = new Reader(module, 8);
  while (reader.at < module.length) {
    const id = reader.byte();
    const bytes = reader.number();
    sections.push({ id, from: reader.at, to: reader.at + bytes });
    reader.skip(bytes);
  }
  return sections;
}

/** Reads the binary format: bytes and LEB128 numbers. */
export class Reader {
  at: number;
  readonly module: Uint8Array;

  constructor(module: Uint8Array, at: number) {
    this.module = module;
    this.at = at;
  }

  byte(): number {
    const byte = this.module[this.at];
    if (byte === undefined) throw new Error('the module ends within an instruction');
    this.at += 1;
    return byte;
  }

  /** An unsigned number of at most 32 bits; of a signed or wider one only the length counts. */
  number(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  }

  skip(bytes: number): void {
    this.at += bytes;
  }
}

function skipLocals(reader: Reader): void {
  const groups = reader.number();
  for (let i = 0; i < groups; i += 1) {
    reader.number();
    reader.byte();
  }
}

/** Numbers that follow an opcode: one of these, or none. */
const NUMBERS = new Map<number, number>([
  ...[0x02, 0x03, 0x04, 0x0c, 0x0d, 0x10].map((opcode) => [opcode, 1] as const), // blocks, branches, call
  [0x11, 2], // call_indirect
  ...range(0x20, 0x26).map((opcode) => [opcode, 1] as const), // locals, globals, tables
  ...range(0x28, 0x3e).map((opcode) => [opcode, 2] as const), // loads and stores
  ...range(0x3f, 0x42).map((opcode) => [opcode, 1] as const), // memory size and growth, i32 and i64 constants
  ...[0x00, 0x01, 0x05, 0x0b, 0x0f, 0x1a, 0x1b, ...range(0x45, 0xc4)].map((opcode) => [opcode, 0] as const), // control, arithmetic
]);

/** Moves behind one instruction; 1 if it was rewritten. */
function passInstruction(reader: Reader): 0 | 1 {
  const opcode = reader.byte();
  const numbers = NUMBERS.get(opcode);
  if (numbers !== undefined) for (let i = 0; i < numbers; i += 1) reader.number();
  else if (opcode === 0x0e) for (let targets = reader.number() + 1; targets > 0; targets -= 1) reader.number();
  else if (opcode === 0x43) reader.skip(4);
  else if (opcode === 0x44) reader.skip(8);
  else if (opcode === 0xfc) passNumeric(reader);
  else if (opcode === 0xfd) return passVector(reader);
  else throw new Error(`unknown instruction 0x${opcode.toString(16)}`);
  return 0;
}

/** Saturating conversions; the kernels use nothing else behind this prefix. */
function passNumeric(reader: Reader): void {
  const opcode = reader.number();
  if (opcode > 7) throw new Error(`unknown instruction 0xfc 0x${opcode.toString(16)}`);
}

function passVector(reader: Reader): 0 | 1 {
  const start = reader.at;
  const opcode = reader.number();
  if (opcode === DRAFT_MADD) {
    reader.module.set(RELAXED_MADD, start);
    return 1;
  }
  if (opcode <= 0x0b || opcode === 0x5c || opcode === 0x5d) passAddress(reader);
  else if (opcode === 0x0c || opcode === 0x0d) reader.skip(16);
  else if (opcode >= 0x15 && opcode <= 0x22) reader.skip(1);
  else if (opcode >= 0x54 && opcode <= 0x5b) {
    passAddress(reader);
    reader.skip(1);
  } else if (isDraft(opcode)) throw new Error(`unknown instruction 0xfd 0x${opcode.toString(16)}`);
  return 0;
}

/** Alignment and offset of a load or store. */
function passAddress(reader: Reader): void {
  reader.number();
  reader.number();
}

/** Numbers the standard leaves free: drafts of LLVM. */
const FREE = new Set([
  0x9a, 0xa2, 0xa5, 0xa6, 0xaf, 0xb0, 0xb2, 0xb3, 0xb4, 0xbb, 0xc2, 0xc5, 0xc6, 0xcf, 0xd0, 0xd2, 0xd3, 0xd4, 0xe2, 0xee,
]);

function isDraft(opcode: number): boolean {
  return FREE.has(opcode) || opcode > 0xff;
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}
