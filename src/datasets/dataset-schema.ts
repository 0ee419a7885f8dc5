import Type, { type Static } from 'typebox';
import { pagingProperties } from '../http/pagination.ts';
import { FaultReply, idParams, ListOf, StrictObject, Timestamp } from '../http/schemas.ts';
import { BUILTIN_NAMES, type BuiltinName } from './builtins.ts';
import type { DatasetInfo } from './dataset-store.ts';
import type { ByteSource } from './text-decoding.ts';

/** Where the rows of a new dataset come from. */
export type DatasetContent =
  | { readonly kind: 'rows'; readonly rows: readonly unknown[] }
  | { readonly kind: 'builtin'; readonly builtin: BuiltinName }
  | { readonly kind: 'file'; readonly open: ByteSource };

const TYPES = ['number', 'integer', 'category', 'boolean', 'datetime', 'text', 'sequence'] as const;
const MISSING = ['error', 'mean', 'median', 'mode', 'constant', 'interpolate'] as const;
const UNKNOWN = ['error', 'bucket', 'mode'] as const;
const ENCODE = ['standardize', 'minmax', 'one_hot', 'index', 'none'] as const;
const LabelValue = Type.Union([Type.String(), Type.Number(), Type.Boolean()]);

const columnProperties = {
  type: Type.Enum([...TYPES]),
  nullable: Type.Boolean({ description: 'Whether values may be missing.' }),
  categories: Type.Array(LabelValue, { description: 'Distinct values of a category, sorted.' }),
  missing: Type.Enum([...MISSING], { description: 'What becomes of a missing value; `interpolate` goes with the windows of a forecast.' }),
  fill: Type.Union([Type.String(), Type.Number(), Type.Boolean()], { description: 'The value of `missing: "constant"`.' }),
  unknown: Type.Enum([...UNKNOWN], { description: 'What becomes of a category the training rows did not have.' }),
  encode: Type.Enum([...ENCODE], { description: 'How the column becomes numbers.' }),
};

const ColumnName = Type.String({ minLength: 1, maxLength: 200 });

export const DatasetName = Type.String({
  minLength: 1,
  maxLength: 200,
  pattern: '^[^\\u0000-\\u001f\\u007f]*$',
  description: 'Any text without control characters.',
});

/** Columns whose type or treatment the user fixes; the others are inferred. */
export const RequestedSchema = Type.Array(StrictObject({ name: ColumnName, ...Type.Partial(Type.Object(columnProperties)).properties }), {
  maxItems: 100_000,
  description: 'Fixes types and treatment of some columns; the rest is inferred.',
});

export const CreateDatasetBody = StrictObject(
  {
    name: Type.Optional(DatasetName),
    rows: Type.Optional(Type.Array(Type.Unknown(), { description: 'Rows as objects by column name.' })),
    builtin: Type.Optional(Type.Enum([...BUILTIN_NAMES], { description: 'A dataset every server has.' })),
    schema: Type.Optional(RequestedSchema),
  },
  {
    description: 'Either `rows` or `builtin`.',
    examples: [
      { name: 'iris', builtin: 'iris' },
      {
        name: 'and',
        rows: [
          { a: 0, b: 1, and: false },
          { a: 1, b: 1, and: true },
        ],
      },
    ],
  },
);
export type CreateDatasetBody = Static<typeof CreateDatasetBody>;

const UploadBody = StrictObject({
  file: Type.String({ format: 'binary', description: 'A CSV file: UTF-8, header line, delimiter comma, semicolon or tab.' }),
  name: Type.Optional(Type.String()),
  schema: Type.Optional(Type.String({ description: 'Column schemas as JSON text.' })),
});

/** Either a JSON document or a form with a file. */
export const datasetContent = {
  content: { 'application/json': { schema: CreateDatasetBody }, 'multipart/form-data': { schema: UploadBody } },
};

export const renameBody = StrictObject({ name: DatasetName }, { examples: [{ name: 'flowers' }] });
export const datasetParams = idParams('dataset');
export const rowsQuery = StrictObject(pagingProperties());

const ColumnReply = Type.Object({
  name: Type.String(),
  ...columnProperties,
  categories: Type.Optional(columnProperties.categories),
  fill: Type.Optional(columnProperties.fill),
  length: Type.Optional(Type.Integer({ description: 'Of a sequence: numbers of the longest one. Shorter ones are padded with 0.' })),
  missing_rows: Type.Integer({ description: 'Rows without a value in this column.' }),
  distinct: Type.Union([Type.Integer(), Type.Null()], { description: 'How many different values; null for more than 1000.' }),
});

export const DatasetReply = Type.Object(
  {
    id: Type.String(),
    object: Type.Literal('dataset'),
    name: Type.String(),
    version: Type.Integer(),
    status: Type.Enum(['importing', 'ready', 'failed']),
    rows: Type.Integer(),
    bytes: Type.Integer({ description: 'Size of the table as it is kept.' }),
    sha256: Type.String({ description: 'Of the table as it is kept: equal data, equal hash.' }),
    schema: Type.Array(ColumnReply),
    created_at: Timestamp,
    links: Type.Object({ self: Type.String(), rows: Type.String(), problems: Type.String() }),
  },
  { title: 'Dataset' },
);

export const InspectionReply = Type.Object(
  {
    object: Type.Literal('dataset_inspection'),
    rows: Type.Integer(),
    schema: Type.Array(ColumnReply),
    problems: Type.Array(FaultReply, { description: 'Empty when the data can be stored as it is.' }),
  },
  { title: 'DatasetInspection' },
);

export const RowsReply = ListOf(
  Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null(), Type.Array(Type.Number())])),
);
export const ProblemsReply = ListOf(FaultReply);

/** A dataset as the API shows it. */
export function datasetView({ id, name, version, status, rows, bytes, sha256, schema, createdAt }: DatasetInfo) {
  const self = `/v1/datasets/${id}`;
  return {
    id,
    object: 'dataset' as const,
    name,
    version,
    status,
    rows,
    bytes,
    sha256,
    schema,
    created_at: createdAt.toISOString(),
    links: { self, rows: `${self}/rows`, problems: `${self}/problems` },
  };
}
