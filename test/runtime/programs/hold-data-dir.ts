// Takes the lock of a data directory, says so and stays.
import { openDataDir } from '../../../src/runtime/data-dir.ts';

await openDataDir(process.argv[2] ?? '');
console.log('held');
setInterval(() => undefined, 60_000);
