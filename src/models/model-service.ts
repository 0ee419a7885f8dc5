import type { BlobStore } from '../blobs/blob-store.ts';
import type { Tx } from '../db/database.ts';
import { checkSpec, faultsBelow, type ModelSpec, parseSchema, type SpecLimits } from '../engine/index.ts';
import { AppError } from '../errors.ts';
import { createModelBody } from './model-schema.ts';
import type { ModelStore, StoredModel, StoredVersion } from './model-store.ts';
import { openWeights, type WeightsFile } from './weights-file.ts';

export interface ModelServiceDeps {
  readonly models: ModelStore;
  readonly blobs: Pick<BlobStore, 'info' | 'readRange' | 'readAll'>;
  readonly limits: SpecLimits;
}

export type { StoredVersion };

export type ModelService = ReturnType<typeof createModelService>;

/** Model definitions under their users' names, and the versions that jobs trained. */
export function createModelService({ models, blobs, limits }: ModelServiceDeps) {
  /** The model, or 404. */
  async function get(project: string, name: string): Promise<StoredModel> {
    const model = await models.find(project, name);
    if (model === null) throw new AppError('not_found', { detail: `There is no model named "${name}".` });
    return model;
  }

  /** One version; the newest when no number is given. */
  async function getVersion(project: string, name: string, version: number | null): Promise<StoredVersion> {
    const number = version ?? (await get(project, name)).latestVersion;
    if (number === null) {
      throw new AppError('not_found', {
        detail: `Model "${name}" has no trained version yet: post a job with "on_success": {"model": "${name}"}.`,
      });
    }
    const found = await models.findVersion(project, name, number);
    if (found === null) throw new AppError('not_found', { detail: `Model "${name}" has no version ${number}.` });
    return found;
  }

  return {
    get,
    list: models.list,

    /**
     * Stores a definition after the full check of the body and its spec. `remember` keeps the reply in the same transaction.
     * Throws spec_invalid with every fault, name_taken.
     */
    async create(project: string, body: unknown, remember: (tx: Tx, model: StoredModel) => Promise<void>): Promise<StoredModel> {
      const { name, spec } = checkedModel(body, limits);
      return models.transaction(async (tx) => {
        const model = await models.create(tx, project, name, spec);
        if (model === null) {
          throw new AppError('name_taken', {
            detail: `A model named "${name}" exists; models are changed by training new versions of them.`,
          });
        }
        await remember(tx, model);
        return model;
      });
    },

    /** Deletes a model with its versions; 409 while a deployment serves one of them. */
    async remove(project: string, name: string): Promise<void> {
      const outcome = await models.remove(project, name);
      if (outcome === 'absent') throw new AppError('not_found', { detail: `There is no model named "${name}".` });
      if (outcome === 'deployed') {
        throw new AppError('state_conflict', { detail: `A deployment serves model "${name}"; delete the deployment first.` });
      }
    },

    async listVersions(project: string, name: string, take: number, before: number | null): Promise<StoredVersion[]> {
      await get(project, name);
      return models.listVersions(project, name, take, before);
    },

    getVersion,

    /** The weights of a version, as the file that its job stored. */
    async weights(project: string, name: string, version: number): Promise<WeightsFile> {
      return openWeights(blobs, (await getVersion(project, name, version)).weightsBlobId);
    },
  };
}

/** The body with its spec normalised. Throws spec_invalid with the faults of both. */
function checkedModel(body: unknown, limits: SpecLimits): { name: string; spec: ModelSpec } {
  const parsed = parseSchema(createModelBody, body);
  const spec = typeof body === 'object' && body !== null && 'spec' in body ? body.spec : undefined;
  const report = spec === undefined ? null : checkSpec({ spec, limits });
  const errors = [...parsed.faults, ...faultsBelow('/spec', report?.faults ?? [])];
  if (parsed.value === null || report === null || report.spec === null || errors.length > 0) {
    throw new AppError('spec_invalid', { detail: `The model has ${errors.length} fault(s); each is listed with a pointer.`, errors });
  }
  return { name: parsed.value.name, spec: report.spec };
}
