// Writes the pages of the docs that are tables of the code: error codes and configuration.
import { writeFile } from 'node:fs/promises';
import { CONFIG_TABLE, describeValues } from '../src/config.ts';
import { catalog, FAULT_CODES } from '../src/engine/index.ts';
import { ERRORS, JOB_ERROR_CODES, SERVICE_FAULT_CODES } from '../src/errors.ts';

const NOTE = '<!-- Written by docs/generate.ts; change the tables in the code instead. -->';

/** Every generated page: its file and its text. */
export function generateDocs(): { readonly file: URL; readonly text: string }[] {
  return [
    { file: new URL('errors.md', import.meta.url), text: errorsPage() },
    { file: new URL('configuration.md', import.meta.url), text: configurationPage() },
    { file: new URL('catalog.md', import.meta.url), text: catalogPage() },
  ];
}

function errorsPage(): string {
  const faultCodes = Object.entries<string>({ ...FAULT_CODES, ...SERVICE_FAULT_CODES }).sort(([a], [b]) => (a < b ? -1 : 1));
  return [
    '# Errors',
    '',
    NOTE,
    'Every error is `application/problem+json` (RFC 9457). `code` is stable and names the kind; `detail` says what happened and',
    'what to do; `errors` lists every single fault with its place (`pointer` into the body, or `line` and `column` of a file), what',
    'was expected, what was received, and often a `suggestion`: a JSON Patch that would mend it. `request_id` finds it in the log.',
    '',
    '## Codes of errors',
    '',
    table(
      ['code', 'status', 'meaning'],
      Object.entries(ERRORS).map(([code, { status, title }]) => [quoted(code), String(status), title]),
    ),
    '',
    '## Codes of faults',
    '',
    'In `errors[]` of a reply, and in the warnings of a validation.',
    '',
    table(
      ['code', 'meaning'],
      faultCodes.map(([code, meaning]) => [quoted(code), meaning]),
    ),
    '',
    '## Codes of failed jobs',
    '',
    'In `error` of a job.',
    '',
    table(
      ['code', 'meaning'],
      Object.entries(JOB_ERROR_CODES).map(([code, meaning]) => [quoted(code), meaning]),
    ),
    '',
  ].join('\n');
}

function configurationPage(): string {
  const rows = Object.entries(CONFIG_TABLE).map(([name, variable]) => {
    const fallback = 'shown' in variable ? variable.shown : variable.fallback === null ? '' : quoted(String(variable.fallback));
    return [quoted(name), fallback, describeValues(variable), variable.help];
  });
  return [
    '# Configuration',
    '',
    NOTE,
    'All configuration is in environment variables, read once at the start. A value that is not allowed ends the start with a list of',
    'every fault. An empty variable counts as absent.',
    '',
    table(['variable', 'default', 'values', 'meaning'], rows),
    '',
  ].join('\n');
}

/** A table in the form the formatter would give it, so that it leaves the page alone. */
function catalogPage(): string {
  const sections = Object.entries(catalog()).flatMap(([kind, entries]) => [
    `## ${kind[0]?.toUpperCase()}${kind.slice(1)}`,
    '',
    table(
      ['type', 'what it is', 'source'],
      entries.map(({ type, summary, source }) => [quoted(type), summary, source ?? '']),
    ),
    '',
  ]);
  return [
    '# Catalog',
    NOTE,
    'What a spec and a training can be made of. `GET /v1/catalog/{kind}` answers the same with the JSON Schema of every option.',
    '',
    ...sections,
  ].join('\n');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, ...rows].map((cells) => cells.map((cell) => cell.replaceAll('|', '\\|')));
  const widths = head.map((_, column) => Math.max(3, ...lines.map((cells) => (cells[column] ?? '').length)));
  const [top = '', ...below] = lines.map((cells) => `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`);
  return [top, `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...below].join('\n');
}

function quoted(text: string): string {
  return `\`${text}\``;
}

if (import.meta.main) for (const { file, text } of generateDocs()) await writeFile(file, text);
