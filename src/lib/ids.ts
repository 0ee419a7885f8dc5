import { monotonicFactory } from 'ulid';

/** Prefixes of ids, by what they name. */
export const ID_PREFIXES = {
  dataset: 'ds',
  job: 'job',
  checkpoint: 'ckpt',
  modelVersion: 'mv',
  key: 'key',
  blob: 'blob',
  request: 'req',
  worker: 'wrk',
} as const;

export type IdKind = keyof typeof ID_PREFIXES;

const ULID = '[0-9A-HJKMNP-TV-Z]{26}';
const nextUlid = monotonicFactory();

/** A new id, e.g. `job_01J…`: prefix and a ULID, so that ids of one kind sort by creation. */
export function newId(kind: IdKind): string {
  return `${ID_PREFIXES[kind]}_${nextUlid()}`;
}

/** The pattern ids of a kind are checked against before any lookup. */
export function idPattern(kind: IdKind): string {
  return `^${ID_PREFIXES[kind]}_${ULID}$`;
}

/** Names users choose for models and deployments. */
export const NAME_PATTERN = '^[a-z0-9][a-z0-9._-]{0,62}$';
