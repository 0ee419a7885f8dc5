import type { Invariant } from '../harness/invariant.ts';
import { noLostJob } from './i01-no-lost-job.ts';
import { acknowledgedEpochs } from './i05-acknowledged-epochs.ts';
import { noGaps } from './i06-no-gaps.ts';
import { sameBits } from './i07-same-bits.ts';
import { cancelTakesEffect } from './i10-cancel.ts';

/** Every promise there is a test for. */
export const INVARIANTS: readonly Invariant[] = [noLostJob, acknowledgedEpochs, noGaps, sameBits, cancelTakesEffect];
