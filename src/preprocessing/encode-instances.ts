import { shownValue } from '../datasets/fault-collector.ts';
import { isSequence } from '../datasets/sequence-syntax.ts';
import { type Fault, nearest, pointerTo } from '../engine/index.ts';
import { datetimeSeconds } from './column-cells.ts';
import { type CellEncoder, createCellEncoder, UNKNOWN_CATEGORY } from './encode-cell.ts';
import { type FeatureTransform, featureWidth, type Label, type Preprocessing } from './preprocessing.ts';

type Instance = Readonly<Record<string, unknown>>;

/** Where encoded values go. */
type Encoded = Float32Array | Float64Array;

/** A feature ready to be read from instances. */
export interface Feature {
  readonly transform: FeatureTransform;
  readonly encode: CellEncoder;
  readonly placeOf: ReadonlyMap<Label, number> | null;
}

/** Faults listed in one reply. */
export const FAULTS_MAX = 100;

/**
 * Encodes instances of a prediction, objects by column name or arrays in feature order, to `(instances, width)`.
 * Nothing is coerced; every wrong, missing or unknown column is a fault with a pointer into the body.
 */
export function encodeInstances(
  preprocessing: Preprocessing,
  instances: readonly unknown[],
): { readonly features: Float32Array } | { readonly faults: Fault[] } {
  const width = featureWidth(preprocessing);
  const features = instanceFeatures(preprocessing);
  const encoded = new Float32Array(instances.length * width);
  const faults: Fault[] = [];
  for (const [row, instance] of instances.entries()) {
    faults.push(...encodeInstance(instance, features, pointerTo('/instances', row), encoded.subarray(row * width, (row + 1) * width)));
    if (faults.length >= FAULTS_MAX) break;
  }
  return faults.length > 0 ? { faults: faults.slice(0, FAULTS_MAX) } : { features: encoded };
}

/** The features of instances, ready to read them. */
export function instanceFeatures(preprocessing: Preprocessing): Feature[] {
  return preprocessing.features.map((transform) => ({
    transform,
    encode: createCellEncoder(transform),
    placeOf: transform.categories && new Map(transform.categories.map((category, place) => [category, place])),
  }));
}

/** Encodes one instance into a row that is all zero. */
export function encodeInstance(instance: unknown, features: readonly Feature[], pointer: string, out: Encoded): Fault[] {
  if (Array.isArray(instance)) return encodeList(instance, features, pointer, out);
  if (typeof instance === 'object' && instance !== null) return encodeObject({ ...instance }, features, pointer, out);
  const detail = 'An instance is an object by column name, or an array in feature order.';
  return [{ pointer, code: 'wrong_type', detail, expected: 'object', received: jsonTypeName(instance) }];
}

function encodeList(values: readonly unknown[], features: readonly Feature[], pointer: string, out: Encoded): Fault[] {
  if (values.length !== features.length) {
    const detail = `Expected ${features.length} values in feature order, received ${values.length}.`;
    return [{ pointer, code: 'wrong_length', detail, expected: features.length, received: values.length }];
  }
  return features.flatMap((feature, place) => encodeValue(values[place], feature, pointerTo(pointer, place), out));
}

function encodeObject(instance: Instance, features: readonly Feature[], pointer: string, out: Encoded): Fault[] {
  const known = new Set(features.map(({ transform }) => transform.name));
  // Of very many unknown columns the first are enough to tell: each missing one is compared with them.
  const strange = new Set(
    Object.keys(instance)
      .filter((name) => !known.has(name))
      .slice(0, FAULTS_MAX),
  );
  const faults: Fault[] = [];
  for (const feature of features) {
    faults.push(...encodeColumn(instance, feature, { strange, pointer, out }));
    if (faults.length >= FAULTS_MAX) break;
  }
  return [...faults, ...[...strange].map((name) => unknownColumn(name, known, pointer))];
}

interface Place {
  /** Columns of the instance that the model does not have, and nothing was made of yet. */
  readonly strange: Set<string>;
  readonly pointer: string;
  readonly out: Encoded;
}

function encodeColumn(instance: Instance, feature: Feature, { strange, pointer, out }: Place): Fault[] {
  const { name, missing } = feature.transform;
  if (Object.hasOwn(instance, name)) return encodeValue(instance[name], feature, pointerTo(pointer, name), out);
  if (missing !== 'error') return encodeValue(null, feature, pointerTo(pointer, name), out);
  // A misspelt column is one fault, told at the name that was found.
  const misspelt = nearest(name, strange);
  if (misspelt === undefined) return [missingColumn(name, pointer)];
  strange.delete(misspelt);
  return [misspeltColumn(misspelt, name, instance[misspelt], pointer)];
}

function missingColumn(name: string, pointer: string): Fault {
  return { pointer: pointerTo(pointer, name), code: 'missing_column', detail: `Column "${name}" is missing.` };
}

function misspeltColumn(found: string, meant: string, value: unknown, pointer: string): Fault {
  const at = pointerTo(pointer, found);
  return {
    pointer: at,
    code: 'unknown_column',
    detail: `The model has no column "${found}", and "${meant}" is missing. Did you mean "${meant}"?`,
    expected: meant,
    received: found,
    suggestion: [
      { op: 'remove', path: at },
      { op: 'add', path: pointerTo(pointer, meant), value },
    ],
  };
}

function unknownColumn(name: string, known: ReadonlySet<string>, pointer: string): Fault {
  const at = pointerTo(pointer, name);
  return {
    pointer: at,
    code: 'unknown_column',
    detail: `The model has no column "${shownValue(name)}".`,
    expected: [...known].slice(0, 50),
    received: shownValue(name),
    suggestion: [{ op: 'remove', path: at }],
  };
}

function encodeValue(value: unknown, { transform, encode, placeOf }: Feature, pointer: string, out: Encoded): Fault[] {
  if (value === null) {
    if (encode(Number.NaN, out, transform.position)) return [];
    return [
      {
        pointer,
        code: 'missing_value',
        detail: `Column "${transform.name}" needs a value.`,
        expected: jsonTypeOf(transform),
        received: null,
      },
    ];
  }
  if (transform.type === 'sequence') return encodeSequence(value, transform, pointer, out);
  if (typeof value !== jsonTypeOf(transform)) return [wrongType(value, transform, pointer)];
  const cell = placeOf === null ? quantityOf(value) : (placeOf.get(value as Label) ?? UNKNOWN_CATEGORY);
  if (!Number.isNaN(cell) && encode(cell, out, transform.position)) return [];
  return [unusableValue(value, transform, pointer)];
}

function encodeSequence(value: unknown, { name, position, width }: FeatureTransform, pointer: string, out: Encoded): Fault[] {
  if (!isSequence(value)) {
    const detail = `Column "${name}" takes a list of numbers.`;
    return [{ pointer, code: 'wrong_type', detail, expected: 'array', received: jsonTypeName(value) }];
  }
  if (value.length > width) {
    const detail = `The longest list of "${name}" the model knows has ${width} numbers; this one has ${value.length}.`;
    return [{ pointer, code: 'wrong_length', detail, expected: width, received: value.length }];
  }
  out.set(value, position);
  return [];
}

function quantityOf(value: unknown): number {
  return typeof value === 'number' ? value : datetimeSeconds(String(value));
}

/** The JSON type values of a column have. */
export function jsonTypeOf({ type, categories }: Pick<FeatureTransform, 'type' | 'categories'>): 'number' | 'string' | 'boolean' | 'array' {
  if (type === 'sequence') return 'array';
  if (type === 'number' || type === 'integer') return 'number';
  if (type === 'boolean') return 'boolean';
  const [first] = categories ?? [];
  return typeof first === 'number' ? 'number' : typeof first === 'boolean' ? 'boolean' : 'string';
}

function wrongType(value: unknown, transform: FeatureTransform, pointer: string): Fault {
  const expected = jsonTypeOf(transform);
  const received = jsonTypeName(value);
  const number = typeof value === 'string' && value.trim() !== '' && expected === 'number' ? Number(value) : Number.NaN;
  return {
    pointer,
    code: 'wrong_type',
    detail: `Column "${transform.name}" takes a ${expected}, received ${typeof value === 'string' ? `the text "${shownValue(value)}"` : received}.`,
    expected,
    received,
    ...(Number.isFinite(number) && { suggestion: [{ op: 'replace', path: pointer, value: number }] }),
  };
}

function unusableValue(value: unknown, { name, categories, type }: FeatureTransform, pointer: string): Fault {
  const received = typeof value === 'string' ? shownValue(value) : value;
  if (categories !== null) {
    const meant = typeof value === 'string' ? nearest(value, categories.map(String)) : undefined;
    return {
      pointer,
      code: 'unknown_category',
      detail: `Column "${name}" has no category ${JSON.stringify(received)}.${meant === undefined ? '' : ` Did you mean "${meant}"?`}`,
      expected: categories.slice(0, 50),
      received,
      ...(meant !== undefined && { suggestion: [{ op: 'replace', path: pointer, value: meant }] }),
    };
  }
  if (type === 'datetime') {
    return { pointer, code: 'wrong_format', detail: `Column "${name}" takes a date or an RFC 3339 time.`, expected: 'date-time', received };
  }
  // 1e400 is read as Infinity, which JSON cannot show.
  return { pointer, code: 'out_of_range', detail: `The value of "${name}" is too large to be encoded.`, received: String(received) };
}

function jsonTypeName(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}
