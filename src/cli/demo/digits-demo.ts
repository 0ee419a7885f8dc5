import { readFile, writeFile } from 'node:fs/promises';
import type { ApiClient } from './api-client.ts';
import { digitPicture, sideBySide } from './pictures.ts';
import { createProgressPrinter, type EpochEvent } from './progress.ts';

const EPOCHS = 40;
const MODEL = 'digits-mlp';
const DEPLOYMENT = 'digits';
/** Every ninth row never reaches the server: the accuracy printed at the end is of rows the model has not seen. */
const HELD_OUT_EVERY = 9;
const ACCURACY_WANTED = 0.95;

const SPEC = {
  layers: [
    { type: 'dense', units: 128, activation: 'relu' },
    { type: 'dropout', rate: 0.2 },
    { type: 'dense', units: 64, activation: 'relu' },
    { type: 'dense', units: 10, activation: 'softmax' },
  ],
};
const TRAINING = { epochs: EPOCHS, batch_size: 32, optimizer: { type: 'adam', learning_rate: 0.002 }, seed: 7 };

interface DigitRow {
  readonly pixels: readonly number[];
  readonly digit: number;
}

type Say = (line: string) => void;

/**
 * The main path of the service, as a client over HTTP: upload, validate, train, download, deploy, predict.
 * Resolves to whether the held-out accuracy is what a sound model reaches.
 */
export async function runDigitsDemo({ api, csvPath, weightsPath, out }: DemoOptions): Promise<boolean> {
  const say: Say = (line) => out.write(`${line}\n`);
  const { trainingCsv, columns, heldOut } = splitCsv(await readFile(csvPath, 'utf8'));
  const dataset = await upload(api, trainingCsv, say);
  await validate(api, dataset, say);
  const job = await train(api, dataset, out);
  const weights = await api.bytes(`/v1/jobs/${job}/weights`);
  await writeFile(weightsPath, weights);
  say(`weights     ${weights.length} bytes of safetensors in ${weightsPath}`);
  const deployed = await api.json<{ model: string; version: number }>('PUT', `/v1/deployments/${DEPLOYMENT}`, { model: MODEL });
  say(`deployed    ${DEPLOYMENT} serves ${deployed.model} version ${deployed.version}\n`);
  return predict({ api, columns, heldOut, say });
}

export interface DemoOptions {
  readonly api: ApiClient;
  readonly csvPath: string;
  /** Where the downloaded weights go. */
  readonly weightsPath: string;
  readonly out: NodeJS.WriteStream;
}

async function upload(api: ApiClient, csv: string, say: Say): Promise<string> {
  const form = new FormData();
  form.set('name', 'digits');
  form.set('file', new Blob([csv], { type: 'text/csv' }), 'digits.csv');
  const dataset = await api.json<{ id: string; rows: number; schema: unknown[] }>('POST', '/v1/datasets', form);
  say(`dataset     ${dataset.id}: ${dataset.rows} rows, ${dataset.schema.length} columns`);
  return dataset.id;
}

async function validate(api: ApiClient, dataset: string, say: Say): Promise<void> {
  interface Validation {
    readonly valid: boolean;
    readonly total_params: number;
    readonly memory_bytes: number;
    readonly estimate: { readonly seconds_p50: number };
  }
  const checked = await api.json<Validation>('POST', '/v1/models/validate', { spec: SPEC, dataset, target: 'digit', training: TRAINING });
  const memory = (checked.memory_bytes / 1e6).toFixed(1);
  say(`validated   ${checked.total_params} parameters, ${memory} MB, about ${checked.estimate.seconds_p50.toFixed(1)} s`);
}

async function train(api: ApiClient, dataset: string, out: NodeJS.WriteStream): Promise<string> {
  const request = { spec: SPEC, dataset, target: 'digit', task: 'classification', training: TRAINING, on_success: { model: MODEL } };
  const { id } = await api.json<{ id: string }>('POST', '/v1/jobs', request);
  out.write(`job         ${id}\n`);
  const progress = createProgressPrinter(out, EPOCHS);
  for await (const { event, data } of api.events(`/v1/jobs/${id}/events`)) {
    if (event === 'epoch') progress.epoch(data as EpochEvent);
  }
  progress.end();
  const job = await api.json<{ status: string; stop_reason: string; error: { detail: string } | null }>('GET', `/v1/jobs/${id}`);
  if (job.status !== 'succeeded') throw new Error(`the job ended as ${job.status} (${job.stop_reason}): ${job.error?.detail ?? ''}`);
  return id;
}

async function predict(demo: { api: ApiClient; columns: readonly string[]; heldOut: readonly DigitRow[]; say: Say }): Promise<boolean> {
  const { api, columns, heldOut, say } = demo;
  const instances = heldOut.map(({ pixels }) => Object.fromEntries(columns.map((column, i) => [column, pixels[i]])));
  interface Predictions {
    readonly predictions: readonly { readonly label: number; readonly probabilities: Readonly<Record<string, number>> }[];
  }
  const { predictions } = await api.json<Predictions>('POST', `/v1/deployments/${DEPLOYMENT}/predict`, { instances });
  const answers = heldOut.map((row, i) => ({
    ...row,
    answer: predictions[i]?.label,
    sure: predictions[i]?.probabilities[String(predictions[i]?.label)] ?? 0,
  }));
  say(
    sideBySide(
      answers
        .slice(0, 5)
        .map(({ pixels, answer, sure }) => ({ caption: `"${answer}" ${(sure * 100).toFixed(1)} %`, lines: digitPicture(pixels) })),
    ),
  );
  const accuracy = answers.filter(({ digit, answer }) => digit === answer).length / heldOut.length;
  say(`\naccuracy    ${accuracy.toFixed(4)} on ${heldOut.length} held-out digits`);
  return accuracy >= ACCURACY_WANTED;
}

/** The file without every ninth row, and those rows. The last column is the digit. */
function splitCsv(csv: string): { trainingCsv: string; columns: readonly string[]; heldOut: readonly DigitRow[] } {
  const [header = '', ...lines] = csv.trimEnd().split('\n');
  const isHeldOut = (_: string, i: number) => i % HELD_OUT_EVERY === 0;
  const heldOut = lines.filter(isHeldOut).map((line) => {
    const values = line.split(',').map(Number);
    return { pixels: values.slice(0, -1), digit: values.at(-1) ?? Number.NaN };
  });
  const training = lines.filter((line, i) => !isHeldOut(line, i));
  return { trainingCsv: `${[header, ...training].join('\n')}\n`, columns: header.split(',').slice(0, -1), heldOut };
}
