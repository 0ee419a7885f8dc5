/** How much is done: on every change, every night, every week. */
export const TIERS = {
  pr: { leaseSeconds: 3, outageMs: 10_000 },
  nightly: { leaseSeconds: 15, outageMs: 60_000 },
  weekly: { leaseSeconds: 15, outageMs: 60_000 },
} as const;

export type TierName = keyof typeof TIERS;

export interface Tier {
  readonly name: TierName;
  readonly leaseSeconds: number;
  readonly outageMs: number;
}
