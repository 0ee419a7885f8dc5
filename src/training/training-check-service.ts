import { checkSchema, type Fault, type ModelSpec } from '../engine/index.ts';
import { AppError } from '../errors.ts';
import { listedFaults } from '../lib/listed-faults.ts';
import type { TrainingLimits } from './check-network.ts';
import { type CheckedDataset, type CheckedTrainingRequest, checkTrainingRequest, unknownDataset } from './check-training-request.ts';
import { ValidationBody } from './training-request.ts';
import { type SpecValidation, validateSpec } from './validate-spec.ts';
import { windowOptions } from './window-request.ts';

export interface TrainingCheckDeps {
  /** The dataset of a project, or null. */
  readonly findDataset: (project: string, id: string) => Promise<CheckedDataset | null>;
  /** The spec of a stored model, or null. */
  readonly findModelSpec: (project: string, name: string) => Promise<ModelSpec | null>;
  readonly limits: TrainingLimits;
}

export type TrainingCheckService = ReturnType<typeof createTrainingCheckService>;

/** Checks of what is asked to be trained, together with the datasets and models it refers to. Nothing is stored. */
export function createTrainingCheckService({ findDataset, findModelSpec, limits }: TrainingCheckDeps) {
  return {
    /** The normalised request of a job's body. Throws spec_invalid (or limit_exceeded, when nothing else is wrong) with every fault. */
    async requireRequest(project: string, body: unknown): Promise<CheckedTrainingRequest> {
      const [dataset, modelSpec] = await Promise.all([
        findNamed(body, 'dataset', (id) => findDataset(project, id)),
        findNamed(body, 'model', (name) => findModelSpec(project, name)),
      ]);
      const { faults, checked } = checkTrainingRequest({ body, dataset, modelSpec, limits });
      if (checked === null) throw refusal(faults);
      return checked;
    },

    /** Faults of spec, target and training are the answer; faults of the question itself throw validation_failed. */
    async validate(project: string, body: unknown): Promise<SpecValidation> {
      const structural = checkSchema(ValidationBody, body);
      const ofTarget = structural.filter(({ pointer }) => pointer.startsWith('/target'));
      const dataset = await findNamed(body, 'dataset', (id) => findDataset(project, id));
      const ofQuestion = structural.filter((fault) => !ofTarget.includes(fault));
      const { spec, training, target, window, dataset: datasetId }: ValidationFields = { ...Object(body) };
      if (ofQuestion.length === 0 && datasetId !== undefined && dataset === null) ofQuestion.push(unknownDataset(datasetId));
      if (ofQuestion.length > 0) throw new AppError('validation_failed', { detail: summaryOf(ofQuestion), errors: ofQuestion });
      const answer = validateSpec({
        spec,
        dataset,
        target: ofTarget.length > 0 ? undefined : target,
        window: windowOptions(window),
        training,
        limits,
      });
      const errors = [...ofTarget, ...answer.errors];
      return { ...answer, valid: errors.length === 0, errors: listedFaults(errors) };
    },
  };
}

/** The fields of a validation's body, of the types they have once their own faults are ruled out. */
interface ValidationFields {
  readonly spec?: unknown;
  readonly training?: unknown;
  readonly target?: string | readonly string[];
  readonly dataset?: string;
  readonly window?: Parameters<typeof windowOptions>[0];
}

/** Looks up what a body names in a field, if it names anything. */
async function findNamed<Found>(body: unknown, field: string, find: (name: string) => Promise<Found | null>): Promise<Found | null> {
  const name: unknown = Object(body)[field];
  // Ids and names are short: a longer one needs no question to the database.
  return typeof name === 'string' && name.length <= 100 ? find(name) : null;
}

/** The error that answers a request with these faults. */
export function refusal(faults: readonly Fault[]): AppError {
  const isOnlyTooLarge = faults.every(({ code }) => code === 'limit_exceeded');
  return new AppError(isOnlyTooLarge ? 'limit_exceeded' : 'spec_invalid', { detail: summaryOf(faults), errors: faults });
}

function summaryOf(faults: readonly Fault[]): string {
  return faults.length === 1 && faults[0] ? faults[0].detail : `The request has ${faults.length} faults; each is listed with a pointer.`;
}
