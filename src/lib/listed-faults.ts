import type { RequestFault } from '../errors.ts';

/** Faults listed one by one; the rest are only counted. */
export const FAULTS_LISTED_MAX = 100;

/** The faults as a reply lists them: of very many the first ones, and how many more were found. */
export function listedFaults(faults: readonly RequestFault[]): readonly RequestFault[] {
  const more = faults.length - FAULTS_LISTED_MAX;
  return more <= 0 ? faults : [...faults.slice(0, FAULTS_LISTED_MAX), moreFaults(more)];
}

/** The last entry of a list that was cut. */
export function moreFaults(count: number): RequestFault {
  return { code: 'more_faults', detail: `and ${count} more`, received: count };
}
