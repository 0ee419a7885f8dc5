import { cpus } from 'node:os';
import type { Absence, CallResult, Figure, Result, StepResult } from './results.ts';

const PAIRS: readonly Pair[] = [
  { title: 'Against PyTorch', ours: 'alma-native', theirs: 'torch' },
  { title: 'Against TensorFlow.js, both in wasm', ours: 'alma-wasm', theirs: 'tfjs-wasm' },
];

/** `bench/RESULTS.md`: everything a full run has measured. */
export function markdownOf(results: readonly Result[], date: Date): string {
  const steps = results.filter((result): result is StepResult => 'us_per_step' in result);
  const training = steps.filter(({ workload }) => !workload.startsWith('sgemm'));
  return [
    '# Results of `npm run bench`',
    '<!-- Written by a full run of `npm run bench`. Figures of one run on one machine: compare only within a run. -->',
    origin(results, date),
    ...PAIRS.flatMap((pair) => ratioSection(training, pair)),
    '## Training steps',
    'Microseconds per step, best of 5 rounds, everybody in turn. GFLOP/s count the operations that are really done (no gradient of the',
    "network's input); the share is of the measured peak of as many cores as there are threads.",
    table(['workload', 'engine', 'threads', 'µs per step', 'GFLOP/s', 'of peak'], training.map(stepRow)),
    '## Kernels',
    table(
      ['kernel', 'engine', 'GFLOP/s', 'of peak'],
      steps
        .filter(({ workload }) => workload.startsWith('sgemm'))
        .map((step) => [step.workload, nameOf(step), fixed(step.gflops), percent(step.share_of_peak)]),
    ),
    '## Inference',
    'Microseconds per call of a network that is ready to predict.',
    inferenceTable(results.filter((result): result is CallResult => 'us_per_call' in result)),
    '## Machine and service',
    table(
      ['measure', 'value', ''],
      results
        .filter((result): result is Figure => 'measure' in result)
        .map(({ measure, value, unit, detail }) => [measure, `${fixed(value)} ${unit}`, detail]),
    ),
    ...absenceSection(results.filter((result): result is Absence => 'absent' in result)),
  ]
    .join('\n\n')
    .concat('\n');
}

function origin(results: readonly Result[], date: Date): string {
  const engines = new Set(results.flatMap((result) => ('variant' in result ? [nameOf(result)] : [])));
  const processors = cpus();
  return [
    `- ${date.toISOString().slice(0, 10)}, Node ${process.versions.node}`,
    `- ${processors[0]?.model.trim()}, ${processors.length} cores`,
    `- ${[...engines].join(', ')}`,
  ].join('\n');
}

interface Pair {
  readonly title: string;
  readonly ours: string;
  readonly theirs: string;
}

/** Time of a peer over ours for each workload, each on one thread, and the geometric mean. */
function ratioSection(training: readonly StepResult[], { title, ours, theirs }: Pair): string[] {
  const of = (engine: string) => training.filter((step) => step.engine === engine && step.threads === 1);
  const pairs = of(ours).flatMap((our) => of(theirs).flatMap((their) => (our.workload === their.workload ? [{ our, their }] : [])));
  if (pairs.length === 0) return [];
  const ratios = pairs.map(({ our, their }) => their.us_per_step / our.us_per_step);
  const mean = Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length);
  const rows = pairs.map(({ our, their }, i) => [
    our.workload,
    fixed(our.us_per_step),
    fixed(their.us_per_step),
    fixed(ratios[i] ?? Number.NaN),
  ]);
  return [
    `## ${title}`,
    'Microseconds per step, and how many times ours theirs is. One thread each.',
    table(['workload', ours, theirs, 'ratio'], [...rows, ['geometric mean', '', '', fixed(mean)]]),
  ];
}

function stepRow(step: StepResult): string[] {
  return [step.workload, step.engine, `${step.threads}`, fixed(step.us_per_step), fixed(step.gflops), percent(step.share_of_peak)];
}

/** A row per network and engine, a column per number of rows. */
function inferenceTable(calls: readonly CallResult[]): string {
  const rows = [...new Set(calls.map((call) => call.rows))];
  const names = [...new Set(calls.map(({ workload, engine }) => `${workload} ${engine}`))];
  const timeOf = (name: string, count: number) =>
    calls.find(({ workload, engine, rows }) => `${workload} ${engine}` === name && rows === count)?.us_per_call ?? Number.NaN;
  return table(
    ['workload', 'engine', ...rows.map((count) => (count === 1 ? '1 row' : `${count} rows`))],
    names.map((name) => [...name.split(' '), ...rows.map((count) => fixed(timeOf(name, count)))]),
  );
}

function absenceSection(absences: readonly Absence[]): string[] {
  if (absences.length === 0) return [];
  const rows = absences.map(({ engine, workload, threads, absent }) => [workload, engine, `${threads}`, absent]);
  return ['## Not measured', table(['workload', 'engine', 'threads', 'why'], rows)];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function nameOf({ engine, variant }: StepResult | CallResult): string {
  return `${engine} (${variant})`;
}

function fixed(value: number): string {
  return Number.isNaN(value) ? '' : value.toFixed(value < 100 ? 2 : 0);
}

function percent(share: number | null): string {
  return share === null ? '' : `${(share * 100).toFixed(0)} %`;
}
