// Says that it lives and does so until its parent is gone.
import { onParentGone } from '../../../src/runtime/supervisor.ts';

onParentGone(() => process.exit(0));
console.log(`alive ${process.pid}`);
setInterval(() => undefined, 60_000);
