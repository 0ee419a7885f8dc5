import type { ColumnSchema } from '../datasets/table.ts';
import { checkSpec, type Fault, inferTask, pointerTo, type SpecLimits, type Task } from '../engine/index.ts';

/** An output of a network with several of them, and the column it learns to predict. */
export interface OutputTarget {
  readonly output: string;
  readonly target: string;
  readonly task: Task;
}

export interface OutputsQuestion {
  readonly spec: unknown;
  readonly schema: readonly ColumnSchema[];
  readonly targets: readonly string[];
  /** Of the first output; the others follow from their layers, losses and columns. */
  readonly task: Task | 'auto';
  readonly training: unknown;
  readonly limits: SpecLimits;
}

/** Pairs the outputs of a network with the target columns, in order; null for a network with one output. */
export function pairOutputs({ spec, schema, targets, task, training, limits }: OutputsQuestion): readonly OutputTarget[] | null {
  const names = textsIn(Object(spec).outputs);
  if (names.length < 2) return null;
  const { outputs } = checkSpec({ spec, limits });
  return targets.map((target, i) => {
    const output = names[i] ?? '';
    if (i === 0 && task !== 'auto') return { output, target, task };
    const { type = 'integer', distinct = null } = schema.find(({ name }) => name === target) ?? {};
    const own: unknown = Object(Object(Object(training).outputs)[output]).loss;
    const loss = own ?? Object(training).loss;
    const columns = [{ type, ...(distinct !== null && { distinct }) }];
    return { output, target, task: inferTask({ output: outputs[i] ?? null, loss, columns }) };
  });
}

/** The columns that the inputs of a network name, by input; null when none does. */
export function columnsOfInputs(spec: unknown): readonly (readonly string[])[] | null {
  const inputs: unknown = Object(spec).inputs;
  if (!Array.isArray(inputs) || inputs.every((input) => Object(input).columns === undefined)) return null;
  return inputs.map((input) => textsIn(Object(input).columns));
}

/** What is wrong with how the inputs share the columns. Pointers are those of a job's body. */
export function inputColumnFaults(
  inputs: readonly (readonly string[])[],
  { features, windowed }: { readonly features: readonly string[] | undefined; readonly windowed: boolean },
): Fault[] {
  const faults: Fault[] = [];
  const taken = new Set<string>();
  for (const [i, columns] of inputs.entries()) {
    const pointer = `/spec/inputs/${i}/columns`;
    if (columns.length === 0) {
      const detail = 'The other inputs say which columns feed them, and this one does not.';
      faults.push({ pointer, code: 'missing_field', detail });
    }
    for (const [place, name] of columns.entries()) {
      const detail = `"${name}" feeds an earlier input already; each column feeds one.`;
      if (taken.has(name)) faults.push({ pointer: pointerTo(pointer, place), code: 'duplicate_value', detail, received: name });
      taken.add(name);
    }
  }
  const fed = inputs.flat();
  if (features !== undefined && JSON.stringify(features) !== JSON.stringify(fed)) {
    const detail = 'The inputs say which columns feed them: leave "features" out.';
    const suggestion = [{ op: 'remove', path: '/features' } as const];
    faults.push({ pointer: '/features', code: 'conflicting_fields', detail, expected: fed, received: features, suggestion });
  }
  if (windowed && inputs.length > 1) {
    const detail = 'A window is one input: all its columns together, step by step.';
    faults.push({ pointer: '/window', code: 'conflicting_fields', detail });
  }
  return faults;
}

/** A fault of a feature, told at the input that named the column. */
export function atInput(fault: Fault, inputs: readonly (readonly string[])[]): Fault {
  const place = /^\/features\/(\d+)$/.exec(fault.pointer)?.[1];
  if (place === undefined) return fault;
  let first = 0;
  for (const [i, columns] of inputs.entries()) {
    const own = Number(place) - first;
    first += columns.length;
    if (Number(place) >= first) continue;
    const pointer = `/spec/inputs/${i}/columns/${own}`;
    const suggestion = fault.suggestion?.map((operation) =>
      operation.path === fault.pointer ? { ...operation, path: pointer } : operation,
    );
    return { ...fault, pointer, ...(suggestion && { suggestion }) };
  }
  return fault;
}

function textsIn(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((text) => typeof text === 'string') : [];
}
