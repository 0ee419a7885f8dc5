import { cpus } from 'node:os';
import type { Absence, CallResult, Figure, Result, StepResult } from './results.ts';

/** `bench/RESULTS.md`: everything a full run has measured. */
export function markdownOf(results: readonly Result[], date: Date): string {
  const steps = results.filter((result): result is StepResult => 'us_per_step' in result);
  const training = steps.filter(({ workload }) => !workload.startsWith('sgemm'));
  return [
    '# Results of `npm run bench`',
    '<!-- Written by a full run of `npm run bench`. Figures of one run on one machine: compare only within a run. -->',
    origin(results, date),
    ...ratioSection(training),
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

/** Time of PyTorch over ours, each on one thread. */
function ratioSection(training: readonly StepResult[]): string[] {
  const rows = ratios(training);
  if (rows.length === 0) return [];
  const mean = Math.exp(rows.reduce((sum, { ratio }) => sum + Math.log(ratio), 0) / rows.length);
  return [
    "## PyTorch's time over ours, one thread each",
    table(
      ['workload', 'alma µs', 'torch µs', 'ratio'],
      [
        ...rows.map(({ workload, ours, theirs, ratio }) => [workload, fixed(ours), fixed(theirs), ratio.toFixed(2)]),
        ['geometric mean', '', '', mean.toFixed(2)],
      ],
    ),
  ];
}

function ratios(training: readonly StepResult[]) {
  const of = (engine: string) => training.filter((step) => step.engine === engine && step.threads === 1);
  return of('alma-native').flatMap(({ workload, us_per_step: ours }) => {
    const theirs = of('torch').find((step) => step.workload === workload)?.us_per_step;
    return theirs === undefined ? [] : [{ workload, ours, theirs, ratio: theirs / ours }];
  });
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
