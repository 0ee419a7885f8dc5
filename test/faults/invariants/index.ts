import type { Invariant } from '../harness/invariant.ts';
import { noLostJob } from './i01-no-lost-job.ts';
import { noPhantomJob } from './i02-no-phantom-job.ts';
import { fencing } from './i03-fencing.ts';
import { selfFence } from './i04-self-fence.ts';
import { acknowledgedEpochs } from './i05-acknowledged-epochs.ts';
import { noGaps } from './i06-no-gaps.ts';
import { sameBits } from './i07-same-bits.ts';
import { recomputedEpochs } from './i08-recomputed-epochs.ts';
import { wholeCheckpoints } from './i09-whole-checkpoints.ts';
import { cancelTakesEffect } from './i10-cancel.ts';
import { queueForgets } from './i11-queue-forgets.ts';
import { redisDown } from './i12-redis-down.ts';
import { postgresRestart } from './i13-postgres-restart.ts';
import { poisonJob } from './i15-poison-job.ts';
import { boundedMemory } from './i16-bounded-memory.ts';
import { gracefulStop } from './i20-graceful-stop.ts';
import { silentQueue } from './i21-silent-queue.ts';
import { wrongClock } from './i22-wrong-clock.ts';
import { oneVersion } from './i26-one-version.ts';

/** Every promise there is a test for. */
export const INVARIANTS: readonly Invariant[] = [
  noLostJob,
  noPhantomJob,
  fencing,
  selfFence,
  acknowledgedEpochs,
  noGaps,
  sameBits,
  recomputedEpochs,
  wholeCheckpoints,
  cancelTakesEffect,
  queueForgets,
  redisDown,
  postgresRestart,
  poisonJob,
  boundedMemory,
  gracefulStop,
  silentQueue,
  wrongClock,
  oneVersion,
];
