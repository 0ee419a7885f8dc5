import { type Fault, pointerTo } from '../engine/index.ts';
import { datetimeSeconds } from './column-cells.ts';
import { encodeInstance, FAULTS_MAX, type Feature, instanceFeatures } from './encode-instances.ts';
import { emptySteps, encodeWindows, forecastOffsets, interpolate, type Steps, unscaled, type WindowedPreprocessing } from './window.ts';

/** Windows of instances as the network takes them, with what its answers are told against. */
export interface EncodedWindows {
  readonly features: Float32Array;
  readonly offsets?: Float64Array;
}

/**
 * Encodes instances of a forecast, each an array of the newest `history` rows, oldest first, to `(instances, history × width)`.
 * Every wrong cell is a fault with a pointer into the body.
 */
export function encodeWindowInstances(
  preprocessing: WindowedPreprocessing,
  instances: readonly unknown[],
): EncodedWindows | { readonly faults: Fault[] } {
  const { history } = preprocessing.window;
  const rowwise = unscaled(preprocessing);
  const features = instanceFeatures(rowwise);
  const steps = emptySteps(rowwise, instances.length * history);
  const faults: Fault[] = [];
  for (const [place, instance] of instances.entries()) {
    const from = place * history * steps.width;
    const own = { values: steps.values.subarray(from, from + history * steps.width), width: steps.width };
    faults.push(...encodeWindow(instance, { preprocessing, features, steps: own, pointer: pointerTo('/instances', place) }));
    if (faults.length >= FAULTS_MAX) break;
  }
  if (faults.length > 0) return { faults: faults.slice(0, FAULTS_MAX) };
  const firsts = Int32Array.from(instances, (_, place) => place * history);
  const offsets = forecastOffsets(preprocessing, steps, firsts);
  return { features: encodeWindows(preprocessing, steps, firsts), ...(offsets && { offsets }) };
}

interface WindowPlace {
  readonly preprocessing: WindowedPreprocessing;
  readonly features: readonly Feature[];
  readonly steps: Steps;
  readonly pointer: string;
}

function encodeWindow(instance: unknown, { preprocessing, features, steps, pointer }: WindowPlace): Fault[] {
  const { history, order_by: orderBy } = preprocessing.window;
  if (!Array.isArray(instance)) {
    const detail = `An instance of a forecast is an array of the ${history} newest rows, oldest first.`;
    return [{ pointer, code: 'wrong_type', detail, expected: 'array', received: instance === null ? 'null' : typeof instance }];
  }
  if (instance.length !== history) {
    const detail = `The model looks at ${history} rows, oldest first; this instance has ${instance.length}.`;
    return [{ pointer, code: 'wrong_length', detail, expected: history, received: instance.length }];
  }
  const rows = orderBy === null || features.some(({ transform }) => transform.name === orderBy) ? instance : without(instance, orderBy);
  const faults = [
    ...rows.flatMap((row, step) => {
      return encodeInstance(row, features, pointerTo(pointer, step), steps.values.subarray(step * steps.width, (step + 1) * steps.width));
    }),
    ...(orderBy === null ? [] : orderFaults(instance, orderBy, pointer)),
  ];
  if (faults.length > 0) return faults;
  return preprocessing.features.flatMap(({ name, missing, position }): Fault[] => {
    if (missing !== 'interpolate' || interpolate(steps, position)) return [];
    return [{ pointer, code: 'missing_value', detail: `Column "${name}" has no value in any of the rows.`, received: null }];
  });
}

/** The column that orders rows may be given with them, though the network does not see it. */
function without(rows: readonly unknown[], name: string): unknown[] {
  return rows.map((row) => {
    if (typeof row !== 'object' || row === null || Array.isArray(row)) return row;
    return Object.fromEntries(Object.entries(row).filter(([column]) => column !== name));
  });
}

/** A window in the wrong order would be answered without anybody noticing. */
function orderFaults(rows: readonly unknown[], name: string, pointer: string): Fault[] {
  const places = rows.map((row): unknown => Object(row)[name]);
  const given = places.map((value) =>
    typeof value === 'number' ? value : typeof value === 'string' ? datetimeSeconds(value) : Number.NaN,
  );
  const wrong = given.findIndex((value, step) => step > 0 && value < (given[step - 1] ?? Number.NaN));
  if (wrong < 0) return [];
  const detail = `Rows of an instance are given oldest first: "${name}" goes back here.`;
  return [{ pointer: pointerTo(pointerTo(pointer, wrong), name), code: 'out_of_range', detail, received: places[wrong] }];
}
