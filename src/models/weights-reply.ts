import { Readable } from 'node:stream';
import Type from 'typebox';
import { decodeWeights, type NamedTensor } from '../engine/index.ts';
import { AppError } from '../errors.ts';
import type { Reply, Request } from '../http/app-type.ts';
import type { WeightsFile } from './weights-file.ts';

export type WeightsFormat = 'safetensors' | 'json';

/** The query of every route that answers with weights. */
export const weightsQuery = Type.Object(
  {
    format: Type.Enum(['safetensors', 'json'], {
      default: 'safetensors',
      description: '`safetensors` is the file itself, `json` the same numbers and metadata as text.',
    }),
  },
  { additionalProperties: false },
);

/** What such a route answers with. */
export const weightsReplies = {
  200: {
    description: 'The weights as a file',
    content: {
      'application/octet-stream': { schema: Type.String({ format: 'binary' }) },
      'application/json': { schema: Type.Object({ metadata: Type.Unknown(), tensors: Type.Unknown() }) },
    },
  },
};

const JSON_SLICE = 8192;

/**
 * Answers with weights as a file named `fileName`: the safetensors bytes straight from the store, with `ETag` and `Range`, or
 * as JSON written tensor by tensor.
 */
export async function weightsReply(
  request: Request,
  reply: Reply,
  { weights, format, fileName }: { weights: Promise<WeightsFile>; format: WeightsFormat; fileName: string },
): Promise<Reply> {
  const file = await weights;
  closeAfter(reply, file);
  const etag = `"${file.etag}${format === 'json' ? '-json' : ''}"`;
  reply.headers({ etag, 'cache-control': 'private, no-cache', 'content-disposition': `attachment; filename="${fileName}.${format}"` });
  if (matches(request.headers['if-none-match'], etag)) return reply.code(304).send();
  if (format === 'json') {
    const { tensors, metadata } = decodeWeights(await file.readAll());
    return reply.type('application/json; charset=utf-8').send(Readable.from(weightsJson(tensors, metadata), { objectMode: false }));
  }
  reply.header('accept-ranges', 'bytes').type('application/octet-stream');
  const ifRange = request.headers['if-range'];
  const range = ifRange === undefined || ifRange === etag ? readRange(request.headers.range, file.bytes) : null;
  const { start, end } = range ?? { start: 0, end: file.bytes };
  if (range) reply.code(206).header('content-range', `bytes ${start}-${end - 1}/${file.bytes}`);
  return reply.header('content-length', end - start).send(Readable.from(file.read(start, end), { objectMode: false }));
}

/** Once all is sent, or the client has left, which it may have while the file was opened. */
function closeAfter({ raw, log }: Reply, file: WeightsFile): void {
  const close = (): void => void file.close().catch((error: unknown) => log.warn({ err: error }, 'weights_not_closed'));
  if (raw.destroyed) close();
  else raw.once('close', close);
}

function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(',').some((candidate) => ['*', etag, `W/${etag}`].includes(candidate.trim()));
}

/** The one range asked for (RFC 9110 section 14.1), or null for the whole file, which is also right for several ranges. */
function readRange(header: string | undefined, bytes: number): { start: number; end: number } | null {
  const parts = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '');
  if (!parts) return null;
  const [, first = '', last = ''] = parts;
  if (first === '' && last === '') return null;
  if (first === '') return satisfiable({ start: Math.max(0, bytes - Number(last)), end: bytes }, bytes);
  if (last !== '' && Number(last) < Number(first)) return null;
  return satisfiable({ start: Number(first), end: last === '' ? bytes : Math.min(bytes, Number(last) + 1) }, bytes);
}

function satisfiable(range: { start: number; end: number }, bytes: number): { start: number; end: number } {
  if (range.start < range.end) return range;
  throw new AppError('range_not_satisfiable', {
    detail: `The file has ${bytes} bytes.`,
    headers: { 'content-range': `bytes */${bytes}` },
  });
}

/**
 * `{"metadata": …, "tensors": {name: {"dtype", "shape", "data"}}}` in pieces, data row-major. The metadata, which safetensors
 * keeps as text, is JSON here as well.
 */
function* weightsJson(tensors: readonly NamedTensor[], metadata: Readonly<Record<string, string>>): Generator<string> {
  const parsed = Object.fromEntries(Object.entries(metadata).map(([name, text]) => [name, JSON.parse(text)]));
  yield `{"metadata":${JSON.stringify(parsed)},"tensors":{`;
  for (const [index, { name, shape, data }] of tensors.entries()) {
    yield `${index === 0 ? '' : ','}${JSON.stringify(name)}:{"dtype":"F32","shape":${JSON.stringify(shape)},"data":[`;
    for (let at = 0; at < data.length; at += JSON_SLICE) yield (at === 0 ? '' : ',') + data.subarray(at, at + JSON_SLICE).join(',');
    yield ']}';
  }
  yield '}}';
}
