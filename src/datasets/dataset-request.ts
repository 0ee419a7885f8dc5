import type { MultipartFile } from '@fastify/multipart';
import { checkSchema, type Fault, parseSchema } from '../engine/index.ts';
import { AppError } from '../errors.ts';
import type { Request } from '../http/app-type.ts';
import { readJson, refuseCompression } from '../http/json-body.ts';
import { type Spool, spool } from '../lib/spool.ts';
import { CreateDatasetBody, DatasetName, RequestedSchema } from './dataset-schema.ts';
import type { NewDatasetRequest } from './dataset-service.ts';

/** A request for a dataset, read to its end. */
export interface DatasetRequest extends NewDatasetRequest {
  /** What counts as its body for an Idempotency-Key. */
  readonly identity: unknown;
  /** Gives the spooled upload back. */
  close(): Promise<void>;
}

const FIELD_BYTES_MAX = 1024 * 1024;
/** Boundaries, part headers and the two small fields beside the file. */
const FORM_BYTES_EXTRA = 2 * FIELD_BYTES_MAX + 16_384;

/** Reads a JSON document or a form with a file, whichever was sent. */
export async function readDatasetRequest(request: Request, { uploadBytesMax }: { uploadBytesMax: number }): Promise<DatasetRequest> {
  return request.isMultipart() ? readForm(request, uploadBytesMax) : readDocument(request.body);
}

function readDocument(body: unknown): DatasetRequest {
  const faults: Fault[] = checkSchema(CreateDatasetBody, body);
  const given = Object(body);
  if (faults.length === 0 && (given.rows === undefined) === (given.builtin === undefined)) {
    faults.push({
      pointer: '',
      code: 'missing_field',
      detail: 'Give either `rows` or `builtin`, or upload a `file` as multipart/form-data.',
    });
  }
  if (faults.length > 0) throw new AppError('validation_failed', { detail: faults.map(({ detail }) => detail).join(' '), errors: faults });
  const document: CreateDatasetBody = given;
  const content =
    document.builtin === undefined
      ? { kind: 'rows' as const, rows: document.rows ?? [] }
      : { kind: 'builtin' as const, builtin: document.builtin };
  return {
    name: document.name ?? document.builtin ?? 'dataset',
    content,
    schema: document.schema ?? [],
    identity: document,
    close: async () => undefined,
  };
}

/** What a form holds, while it is being read. */
interface Form {
  spool: Spool | null;
  fileName: string;
  readonly fields: Map<string, unknown>;
}

async function readForm(request: Request, uploadBytesMax: number): Promise<DatasetRequest> {
  refuseCompression(request);
  // A client that says how much it is going to send is refused before it does.
  if (Number(request.headers['content-length'] ?? 0) > uploadBytesMax + FORM_BYTES_EXTRA) throw tooLarge(uploadBytesMax);
  const form: Form = { spool: null, fileName: '', fields: new Map() };
  try {
    await readParts(request, form, uploadBytesMax);
    return formRequest(form);
  } catch (error) {
    await form.spool?.close();
    throw isUnreadable(error) ? new AppError('invalid_request', { detail: UNREADABLE, cause: error }) : error;
  }
}

const UNREADABLE = 'The form is not readable: it lacks its boundary, a part is malformed, or it ends within a part.';

/** The reader of forms throws errors without a code for what is wrong with the bytes; everybody else's have one. */
function isUnreadable(error: unknown): boolean {
  return error instanceof Error && error.name === 'Error' && !('code' in error);
}

async function readParts(request: Request, form: Form, uploadBytesMax: number): Promise<void> {
  const limits = { fileSize: uploadBytesMax + 1, files: 2, fields: 10, parts: 12, fieldSize: FIELD_BYTES_MAX, headerPairs: 20 };
  for await (const part of request.parts({ limits })) {
    if (part.type === 'file') {
      await readFile(part, form, uploadBytesMax);
    } else if (form.fields.has(part.fieldname) || !['name', 'schema'].includes(part.fieldname)) {
      throw formFault(
        `/${part.fieldname}`,
        'unknown_field',
        `The form takes one \`file\`, and \`name\` and \`schema\` once each; received "${part.fieldname}".`,
      );
    } else if (part.valueTruncated) {
      throw formFault(`/${part.fieldname}`, 'wrong_length', `The field \`${part.fieldname}\` is longer than ${FIELD_BYTES_MAX} bytes.`);
    } else {
      form.fields.set(part.fieldname, part.value);
    }
  }
}

async function readFile(part: MultipartFile, form: Form, uploadBytesMax: number): Promise<void> {
  if (part.fieldname !== 'file' || form.spool !== null) {
    throw formFault(`/${part.fieldname}`, 'unknown_field', 'The form takes exactly one file, in the field `file`.');
  }
  form.spool = await spool(part.file, (total) => {
    if (total > uploadBytesMax) throw tooLarge(uploadBytesMax);
  });
  form.fileName = part.filename;
}

function formRequest({ spool, fileName, fields }: Form): DatasetRequest {
  if (spool === null) throw formFault('/file', 'missing_field', 'The form has no `file`.');
  const name = fields.get('name') ?? nameOfFile(fileName);
  const schema = readSchemaField(fields.get('schema'));
  const nameFaults = checkSchema(DatasetName, name, '/name');
  const parsed = parseSchema(RequestedSchema, schema, '/schema');
  const faults = [...nameFaults, ...parsed.faults];
  if (faults.length > 0) throw new AppError('validation_failed', { detail: faults.map(({ detail }) => detail).join(' '), errors: faults });
  return {
    name: String(name),
    content: { kind: 'file', open: spool.open },
    schema: parsed.value ?? [],
    identity: { name, schema, file: spool.sha256 },
    close: spool.close,
  };
}

/** A file's name is a label and nothing else: without its ending, control characters and marks that turn text around. */
function nameOfFile(fileName: string): string {
  const name = fileName
    .replace(/\.[a-z0-9]{1,8}$/i, '')
    .replaceAll(/[\p{Cc}\p{Cf}]/gu, '')
    .trim();
  return name.slice(0, 200) || 'dataset';
}

function readSchemaField(text: unknown): unknown {
  if (text === undefined) return [];
  try {
    return readJson(Buffer.from(String(text)));
  } catch (error) {
    if (error instanceof AppError) throw formFault('/schema', 'wrong_format', `The field \`schema\` is not JSON: ${error.options.detail}`);
    throw error;
  }
}

function formFault(pointer: string, code: string, detail: string): AppError {
  return new AppError('validation_failed', { detail, errors: [{ pointer, code, detail }] });
}

function tooLarge(limit: number): AppError {
  return new AppError('payload_too_large', {
    detail: `An uploaded file may have ${limit} bytes.`,
    members: { limit },
    // The rest of the file is not worth receiving.
    headers: { connection: 'close' },
  });
}
