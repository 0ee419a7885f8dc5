import Type from 'typebox';
import type { Fault } from '../faults.ts';
import type { JsonObject } from '../json-schema.ts';
import { isObject } from '../json-schema.ts';
import { NAME_SCHEMA } from '../layers/layer-schema.ts';
import { checkSchema } from '../schema.ts';
import type { Shape } from '../shape.ts';
import { formatShape, sizeOf } from '../shape.ts';
import type { SpecForm } from './check-layer.ts';
import { checkRowSize } from './check-limits.ts';
import type { DataSignature, InputDtype, InputSpec, SpecLimits } from './model-spec.ts';

const AXES_MAX = 8;
const AXIS_MAX = 2 ** 31 - 1;

const COLUMN_CHARS_MAX = 200;

/** Feeds of a step are few: the inputs, the targets and their weights together. */
const INPUTS_MAX = 6;

export const INPUT_SHAPE = Type.Array(Type.Integer({ minimum: 1, maximum: AXIS_MAX }), {
  minItems: 1,
  maxItems: AXES_MAX,
  description: 'Axes of one row, channels last. Without it the row of the dataset as it is.',
});

export const INPUT_DTYPE = Type.Unsafe<InputDtype>({
  type: 'string',
  enum: ['float32', 'int32'],
  description: 'What the input holds; whole numbers are for embeddings. Default float32.',
});

const INPUT = Type.Object({
  name: Type.String({ ...NAME_SCHEMA, description: 'What layers call it in `inbound`.' }),
  shape: INPUT_SHAPE,
  dtype: Type.Optional(INPUT_DTYPE),
  columns: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: COLUMN_CHARS_MAX }), {
      minItems: 1,
      uniqueItems: true,
      description: 'Columns of the dataset that feed it. All inputs say so, or none: then the features are dealt out in order.',
    }),
  ),
});

/** Layers are checked one by one, with their own schemas. */
const LAYERS = Type.Array(Type.Unknown(), { minItems: 1 });

/** Both forms of a spec without their layers. */
export const FORMS = {
  sequential: Type.Object({ input_shape: Type.Optional(INPUT_SHAPE), input_dtype: Type.Optional(INPUT_DTYPE), layers: LAYERS }),
  functional: Type.Object({
    inputs: Type.Array(INPUT, {
      minItems: 1,
      maxItems: INPUTS_MAX,
      description: 'The inputs of a network with several of them, or with branches.',
    }),
    layers: LAYERS,
    outputs: Type.Array(Type.String(), {
      minItems: 1,
      maxItems: INPUTS_MAX,
      uniqueItems: true,
      description: 'Names of the layers whose outputs are those of the network.',
    }),
  }),
} as const;

export interface CheckedInputs {
  /** Null where the shape is not known. */
  readonly inputs: readonly (InputSpec | null)[];
  readonly faults: readonly Fault[];
}

interface InputsRequest {
  readonly spec: JsonObject;
  readonly form: SpecForm;
  readonly data: DataSignature | undefined;
  readonly limits: SpecLimits;
}

/** The inputs as far as they can be read, and whether the data can fill them. */
export function checkInputs(request: InputsRequest): CheckedInputs {
  return request.form === 'sequential' ? sequentialInput(request) : functionalInputs(request);
}

/** The shape the first layer gets. */
function sequentialInput({ spec, data, limits }: InputsRequest): CheckedInputs {
  const shape = Object.hasOwn(spec, 'input_shape') ? readShape(spec['input_shape']) : null;
  const inputOf = (known: Shape): InputSpec => ({
    name: 'x',
    shape: known,
    ...(spec['input_dtype'] === 'int32' && { dtype: 'int32' as const }),
  });
  if (!shape) return { inputs: [data ? inputOf([data.features]) : null], faults: [] };
  const tooLarge = checkRowSize('/input_shape', shape, limits);
  if (tooLarge) return { inputs: [null], faults: [tooLarge] };
  if (!data || sizeOf(shape) === data.features) return { inputs: [inputOf(shape)], faults: [] };
  const fault: Fault = {
    pointer: '/input_shape',
    code: 'input_mismatch',
    detail: `${formatShape(shape)} holds ${sizeOf(shape)} values per row, the dataset has ${data.features} features after encoding.`,
    expected: data.features,
    received: sizeOf(shape),
    ...(shape.length === 1 && { suggestion: [{ op: 'replace', path: '/input_shape', value: [data.features] }] }),
  };
  return { inputs: [inputOf(shape.length === 1 ? [data.features] : shape)], faults: [fault] };
}

/**
 * The features of a row are dealt out to the inputs in order, so together they take as many as there are; or each takes what its
 * own columns give.
 */
function functionalInputs({ spec, data, limits }: InputsRequest): CheckedInputs {
  const posted = Array.isArray(spec['inputs']) ? spec['inputs'] : [];
  const inputs = posted.slice(0, INPUTS_MAX).map(readInput);
  const faults = inputs.flatMap((input, i) => (input ? (checkRowSize(`/inputs/${i}/shape`, input.shape, limits) ?? []) : []));
  const repeated = inputs.flatMap((input, i): Fault[] => {
    if (!input || inputs.findIndex((other) => other?.name === input.name) === i) return [];
    const detail = `The name ${JSON.stringify(input.name)} is taken by an earlier input.`;
    return [{ pointer: `/inputs/${i}/name`, code: 'duplicate_name', detail, received: input.name }];
  });
  const known = inputs.filter((input) => input !== null);
  const values = known.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const ownWidths = data?.inputs?.length === inputs.length ? data.inputs : null;
  const mismatches = ownWidths === null ? [] : inputs.flatMap((input, i) => (input ? columnsMismatch(input, i, ownWidths[i] ?? 0) : []));
  const mismatch = data && ownWidths === null && known.length === inputs.length && known.length > 0 && values !== data.features;
  return {
    inputs: faults.length > 0 ? inputs.map(() => null) : inputs,
    faults: [...faults, ...repeated, ...mismatches, ...(mismatch ? [inputsMismatch(values, data.features)] : [])],
  };
}

function columnsMismatch({ name, shape }: InputSpec, i: number, width: number): Fault[] {
  if (sizeOf(shape) === width) return [];
  const pointer = `/inputs/${i}/shape`;
  return [
    {
      pointer,
      code: 'input_mismatch',
      detail: `The input ${JSON.stringify(name)} holds ${sizeOf(shape)} values per row, its columns have ${width} after encoding.`,
      expected: width,
      received: sizeOf(shape),
      ...(shape.length === 1 && { suggestion: [{ op: 'replace', path: pointer, value: [width] }] }),
    },
  ];
}

function inputsMismatch(values: number, features: number): Fault {
  return {
    pointer: '/inputs',
    code: 'input_mismatch',
    detail: `The inputs hold ${values} values per row together, the dataset has ${features} features after encoding.`,
    expected: features,
    received: values,
  };
}

function readInput(posted: unknown): InputSpec | null {
  if (!isObject(posted) || typeof posted['name'] !== 'string') return null;
  const shape = readShape(posted['shape']);
  const columns = posted['columns'];
  const isNamed = Array.isArray(columns) && columns.every((column) => typeof column === 'string');
  return shape && { name: posted['name'], shape, ...(posted['dtype'] === 'int32' && { dtype: 'int32' }), ...(isNamed && { columns }) };
}

function readShape(value: unknown): Shape | null {
  return Array.isArray(value) && checkSchema(INPUT_SHAPE, value).length === 0 ? value.map(Number) : null;
}
