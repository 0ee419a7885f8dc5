// Trains on a table of its own making, held in memory or read from disk (`held` or `disk`), and prints what that took at most.

import { readFileSync } from 'node:fs';
import { schemaOfColumn } from '../../../src/datasets/column-schema.ts';
import type { Table } from '../../../src/datasets/table.ts';
import { decodeTable, encodeTable } from '../../../src/datasets/table-file.ts';
import { bytesAtOnce, type TableOnDisk } from '../../../src/datasets/table-on-disk.ts';
import { CONTROL, checkSpec, weightsData } from '../../../src/engine/index.ts';
import { openNamelessFile } from '../../../src/lib/nameless-file.ts';
import { sha256 } from '../../../src/lib/sha256.ts';
import { runTraining } from '../../../src/training/run-training.ts';

const ROWS = 200_000;
const COLUMNS = 60;
/** The table has 96 MB, its encoded rows another 48. */
const DATASET_MEMORY_BYTES = 16e6;

const [, , kind] = process.argv;
const names = Array.from({ length: COLUMNS }, (_, column) => `x${column}`);
const file = await openNamelessFile();
const rowsFile = await openNamelessFile();

function column(name: string, place: number) {
  return { name, type: 'number', values: Float64Array.from({ length: ROWS }, (_, row) => Math.sin(row * 12.9898 + place)) } as const;
}

/** Column by column, so that writing the table does not count. */
async function writeTable(): Promise<void> {
  const header = encodeTable({ rows: ROWS, columns: names.map((name) => ({ name, type: 'number', values: new Float64Array(0) })) });
  const [start] = header;
  await file.writeFile(start ?? new Uint8Array(0));
  for (const [place, name] of names.entries()) await file.writeFile(new Uint8Array(column(name, place).values.buffer));
}

const read = async (): Promise<Table | TableOnDisk> => {
  if (kind === 'held') return decodeTable(readFileSync(`/dev/fd/${file.fd}`));
  return { rows: ROWS, tableFd: file.fd, rowsFd: rowsFile.fd, bytesAtOnce: bytesAtOnce(DATASET_MEMORY_BYTES) };
};

/** The most memory this process ever had. `maxRSS` may be that of the process it was forked from. */
function peakBytes(): number {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS * 1024;
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'latin1'))?.[1]) * 1024;
}

await writeTable();
const schema = names.map((name, place) =>
  schemaOfColumn({ ...column(name, place), values: new Float64Array([place, 1]) }, undefined, null),
);
const { spec } = checkSpec({
  spec: {
    input_shape: [COLUMNS - 1],
    layers: [
      { type: 'dense', units: 4, activation: 'tanh' },
      { type: 'dense', units: 1 },
    ],
  },
  limits: { layersMax: 10, parametersMax: 1e6, arenaBytesMax: 1e9 },
});
if (spec === null) throw new Error('the spec has faults');
const before = process.memoryUsage.rss();
const running = runTraining(
  {
    request: {
      kind: 'training',
      initial_weights: null,
      diagnostics: false,
      spec,
      task: 'regression',
      target: 'x0',
      features: names.slice(1),
      split: { train: 0.8, validation: 0.2, test: 0, strategy: 'random', seed: 1 },
      training: {
        epochs: 2,
        batch_size: 500,
        loss: 'mean_squared_error',
        optimizer: { type: 'sgd', learning_rate: 0.01, momentum: 0, nesterov: false },
        metrics: [],
        seed: 1,
        shuffle: true,
        early_stopping: null,
        checkpoint: { every_epochs: 1 },
        threads: 1,
        on_divergence: 'stop',
      },
    },
    table: await read(),
    schema,
    backend: 'auto',
  },
  { control: new Int32Array(new SharedArrayBuffer(4 * CONTROL.words)), now: () => 0 },
);
for (;;) {
  const { done, value } = running.next();
  if (!done) continue;
  if (!('result' in value)) throw new Error('no training');
  const hash = sha256(...weightsData(value.result.weights));
  const grown = peakBytes() - before;
  console.log(`grown ${Math.round(grown / 1e6)} MB, weights ${hash}`);
  break;
}
await Promise.all([file.close(), rowsFile.close()]);
