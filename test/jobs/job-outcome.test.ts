import { describe, expect, it } from 'vitest';
import { CONTROL, STOP } from '../../src/engine/index.ts';
import { outcomeOf, outcomeOfError } from '../../src/jobs/job-outcome.ts';
import { newId } from '../../src/lib/ids.ts';
import type { TrainFinished } from '../../src/threads/protocol.ts';
import { checkTrainingRequest } from '../../src/training/check-training-request.ts';
import { runTraining, trainingTask } from '../../src/training/run-training.ts';
import { importBuiltin } from '../support/builtins.ts';

const LIMITS = { layersMax: 100, parametersMax: 1e8, arenaBytesMax: 1e10, datasetMemoryBytes: 1e8, epochsMax: 1e6 };
const DATASET = newId('dataset');
const BODY = {
  dataset: DATASET,
  target: 'y',
  task: 'classification',
  spec: { layers: [{ type: 'dense', units: 1, activation: 'sigmoid' }] },
  split: { validation: 0 },
  training: { epochs: 2, batch_size: 4 },
};

/** A small training, run to its end with the stop flag at `stop` from the beginning. */
async function finished(stop: number): Promise<TrainFinished> {
  const { table, schema } = await importBuiltin('xor');
  const dataset = { id: DATASET, rows: table.rows, bytes: 1000, sha256: '', schema };
  const { checked, faults } = checkTrainingRequest({ body: BODY, dataset, modelSpec: null, limits: LIMITS });
  if (checked === null) throw new Error(JSON.stringify(faults));
  const control = new Int32Array(new SharedArrayBuffer(CONTROL.words * Int32Array.BYTES_PER_ELEMENT));
  Atomics.store(control, CONTROL.stop, stop);
  const training = runTraining(trainingTask({ request: checked.request, table, schema, backend: 'reference' }), { control, now: () => 0 });
  for (;;) {
    const next = training.next();
    if (next.done === true) return { type: 'finished', trained: next.value };
  }
}

describe('what becomes of a job', () => {
  it('whose training reached its end before it saw the request', async () => {
    const end = await finished(STOP.none);
    expect(outcomeOf(end, null)).toMatchObject({ kind: 'succeeded', stopReason: 'completed' });
    expect(outcomeOf(end, 'release')).toMatchObject({ kind: 'succeeded', stopReason: 'completed' });
    // Its last epochs were not stored any more.
    expect(outcomeOf(end, 'cancel')).toEqual({ kind: 'left', stopReason: 'cancelled' });
    expect(outcomeOf(end, 'lease_lost')).toEqual({ kind: 'lost' });
  });

  it('whose thread ended without a word', () => {
    const end = { type: 'failed', message: 'gone', stack: null, refusal: null, machineFault: null } as const;
    expect(outcomeOf(end, null)).toMatchObject({ kind: 'failed', stopReason: 'error' });
    expect(outcomeOf(end, 'cancel')).toEqual({ kind: 'left', stopReason: 'cancelled' });
    expect(outcomeOf(end, 'release')).toEqual({ kind: 'released' });
    expect(outcomeOf(end, 'lease_lost')).toEqual({ kind: 'lost' });
  });

  it('that was to be paused at once, and then stopped, is left to who takes it up next', async () => {
    const end = await finished(STOP.abandon);
    for (const cause of ['pause', 'stop', 'time_limit', 'release'] as const) expect(outcomeOf(end, cause)).toEqual({ kind: 'released' });
    expect(outcomeOf(end, 'cancel')).toEqual({ kind: 'left', stopReason: 'cancelled' });
  });

  it('whose data is not read any more', () => {
    for (const cause of ['pause', 'release', 'cancel'] as const) {
      expect(outcomeOfError(AbortSignal.abort().reason, cause)).toEqual({ kind: 'released' });
    }
  });

  it('whose worker has a full disk, or another fault of its machine', () => {
    const end = { type: 'failed', message: 'ENOSPC', stack: null, refusal: null, machineFault: 'ENOSPC' } as const;
    const error = Object.assign(new Error('no space left on device'), { code: 'ENOSPC', syscall: 'write' });
    for (const cause of [null, 'stop'] as const) {
      expect(outcomeOf(end, cause)).toEqual({ kind: 'machine_fault', code: 'ENOSPC' });
      expect(outcomeOfError(error, cause)).toEqual({ kind: 'machine_fault', code: 'ENOSPC' });
    }
    // It must not wait for room for ever.
    expect(outcomeOf(end, 'time_limit')).toMatchObject({ kind: 'failed', stopReason: 'time_limit' });
    expect(outcomeOfError(error, 'time_limit')).toMatchObject({ kind: 'failed', stopReason: 'time_limit' });
    expect(outcomeOf(end, 'cancel')).toEqual({ kind: 'left', stopReason: 'cancelled' });
  });
});
