import type { DataFault } from '../errors.ts';

/** One record: the line it begins on, its cells, and the line of each cell when a quoted cell runs over several. */
export interface CsvRecord {
  readonly line: number;
  readonly cells: readonly string[];
  readonly cellLines: readonly number[] | null;
}

export interface CsvScannerOptions {
  readonly delimiter: string;
  readonly columnsMax: number;
  readonly onRecord: (record: CsvRecord) => void;
  readonly onFault: (fault: DataFault) => void;
}

/** Longest cell and longest record in characters: what an unclosed quote or a file without line ends may cost. */
export const CELL_CHARS_MAX = 65_536;
const RECORD_CHARS_MAX = 16 * 1024 * 1024;

/** Thrown after the fault was reported, where reading on would only produce consequences of it. */
export class ImportStopped extends Error {}

const QUOTE = 0x22;
const CARRIAGE_RETURN = 0x0d;
const LINE_FEED = 0x0a;

/**
 * RFC 4180 over text that arrives in pieces. Lines end in CRLF, LF or CR, mixed as they come; a blank line is no record.
 * Of its own and not a library's, because every fault has to be reported with its physical line and reading has to go on
 * after it.
 */
export class CsvScanner {
  readonly #options: CsvScannerOptions;
  readonly #delimiter: number;
  #state: 'start' | 'plain' | 'quoted' | 'closed' = 'start';
  /** A last CR, whose meaning depends on the next piece. */
  #held = '';
  #cell = '';
  #cells: string[] = [];
  #cellLines: number[] | null = null;
  #recordChars = 0;
  #line = 1;
  #recordLine = 1;
  #cellLine = 1;

  constructor(options: CsvScannerOptions) {
    this.#options = options;
    this.#delimiter = options.delimiter.charCodeAt(0);
  }

  /** The physical line reached, from 1. */
  get line(): number {
    return this.#line;
  }

  push(piece: string): void {
    const text = this.#held + piece;
    this.#held = text.endsWith('\r') ? '\r' : '';
    this.#run(text.slice(0, text.length - this.#held.length));
  }

  end(): void {
    this.#run(this.#held);
    this.#held = '';
    if (this.#state === 'quoted') {
      this.#fault('unclosed_quote', 'The quote that opens here is never closed.', this.#cellLine);
      throw new ImportStopped();
    }
    this.#endRecord();
  }

  #run(text: string): void {
    let at = 0;
    while (at < text.length) {
      switch (this.#state) {
        case 'start':
          at = this.#scanStart(text, at);
          break;
        case 'plain':
          at = this.#scanPlain(text, at);
          break;
        case 'quoted':
          at = this.#scanQuoted(text, at);
          break;
        case 'closed':
          at = this.#scanClosed(text, at);
          break;
        default:
          this.#state satisfies never;
      }
    }
  }

  #scanStart(text: string, at: number): number {
    const quoted = text.charCodeAt(at) === QUOTE;
    this.#cellLine = this.#line;
    this.#state = quoted ? 'quoted' : 'plain';
    return quoted ? at + 1 : at;
  }

  #scanPlain(text: string, from: number): number {
    const delimiter = this.#delimiter;
    let at = from;
    for (; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === delimiter || code === LINE_FEED || code === CARRIAGE_RETURN || code === QUOTE) break;
    }
    this.#append(text.slice(from, at));
    if (at === text.length) return at;
    if (text.charCodeAt(at) !== QUOTE) return this.#endCell(text, at);
    this.#fault(
      'stray_quote',
      'A quote inside a cell that does not begin with one; quote the whole cell and double the quote.',
      this.#line,
    );
    this.#append('"');
    return at + 1;
  }

  #scanQuoted(text: string, from: number): number {
    const found = text.indexOf('"', from);
    const to = found === -1 ? text.length : found;
    const part = text.slice(from, to);
    this.#append(part);
    this.#countLines(part);
    if (found === -1) return to;
    this.#state = 'closed';
    return found + 1;
  }

  /** After a quote that closed its cell, unless a second one says that it was a quote in the text. */
  #scanClosed(text: string, at: number): number {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      this.#append('"');
      this.#state = 'quoted';
      return at + 1;
    }
    if (code === this.#delimiter || code === LINE_FEED || code === CARRIAGE_RETURN) return this.#endCell(text, at);
    this.#fault('text_after_quote', 'Text follows the closing quote of a cell; a quote inside a quoted cell is written twice.', this.#line);
    this.#state = 'plain';
    return at;
  }

  /** At a delimiter or a line end. */
  #endCell(text: string, at: number): number {
    const code = text.charCodeAt(at);
    const blank = code !== this.#delimiter && this.#cells.length === 0 && this.#cell === '' && this.#state === 'plain';
    if (!blank) this.#pushCell();
    this.#state = 'start';
    if (code === this.#delimiter) {
      this.#cellLine = this.#line;
      return at + 1;
    }
    const next = code === CARRIAGE_RETURN && text.charCodeAt(at + 1) === LINE_FEED ? at + 2 : at + 1;
    this.#emit();
    this.#line += 1;
    this.#recordLine = this.#line;
    return next;
  }

  /** At the end of the file, where the last line may lack its line end. */
  #endRecord(): void {
    if (this.#state !== 'start' || this.#cells.length > 0) this.#pushCell();
    this.#emit();
  }

  #pushCell(): void {
    if (this.#cells.length === this.#options.columnsMax) {
      this.#options.onFault({
        line: this.#recordLine,
        code: 'too_many_columns',
        detail: `A line has more than ${this.#options.columnsMax} cells.`,
        expected: { max: this.#options.columnsMax },
      });
      throw new ImportStopped();
    }
    if (this.#cellLine !== this.#recordLine) this.#cellLines ??= this.#cells.map(() => this.#recordLine);
    this.#cellLines?.push(this.#cellLine);
    this.#cells.push(this.#cell);
    this.#cell = '';
  }

  #emit(): void {
    if (this.#cells.length > 0) this.#options.onRecord({ line: this.#recordLine, cells: this.#cells, cellLines: this.#cellLines });
    this.#cells = [];
    this.#cellLines = null;
    this.#recordChars = 0;
  }

  #append(part: string): void {
    this.#cell = this.#cell === '' ? part : this.#cell + part;
    this.#recordChars += part.length;
    if (this.#cell.length > CELL_CHARS_MAX) {
      const why = this.#state === 'quoted' ? ' Its closing quote may be missing.' : '';
      this.#fault('cell_too_long', `A cell is longer than ${CELL_CHARS_MAX} characters.${why}`, this.#cellLine, CELL_CHARS_MAX);
      throw new ImportStopped();
    }
    if (this.#recordChars > RECORD_CHARS_MAX) {
      this.#fault('line_too_long', `A line is longer than ${RECORD_CHARS_MAX} characters.`, this.#recordLine, RECORD_CHARS_MAX);
      throw new ImportStopped();
    }
  }

  #countLines(part: string): void {
    this.#line += part.match(/\r\n|\n|\r/g)?.length ?? 0;
  }

  #fault(code: string, detail: string, line: number, max?: number): void {
    this.#options.onFault({ line, code, detail, ...(max !== undefined && { expected: { max } }) });
  }
}
