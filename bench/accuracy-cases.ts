// What the engine must reach on real data, through the API: one case per row of the table that `npm run accuracy` prints.

export interface AccuracyCase {
  readonly name: string;
  readonly dataset: object;
  /** The body of the job for a seed, without the dataset. */
  readonly job: (seed: number) => object;
  readonly score: (metrics: Readonly<Record<string, number>>) => number;
  /** The least mean of the scores over the seeds. */
  readonly wanted: number;
}

const DIGITS_SPLIT = { validation: 0.1, test: 0.2 };

const digits = (layers: readonly object[], epochs: number) => (seed: number) => ({
  spec: { layers },
  target: 'digit',
  task: 'classification',
  split: { ...DIGITS_SPLIT, seed },
  training: { epochs, batch_size: 32, optimizer: { type: 'adam', learning_rate: 0.001 }, seed },
});

const testAccuracy = (metrics: Readonly<Record<string, number>>): number => metrics['test_accuracy'] ?? Number.NaN;

/** How much smaller the error on the held-out end is than that of saying that nothing changes: above 0 is better than that. */
const gainOverLastValue = (metrics: Readonly<Record<string, number>>): number =>
  1 - (metrics['test_root_mean_squared_error'] ?? Number.NaN) / (metrics['test_last_value_rmse'] ?? Number.NaN);

const weekAhead = (layer: 'lstm' | 'gru') => (seed: number) => ({
  spec: {
    layers: [
      { type: layer, units: 16 },
      { type: 'dense', units: 1 },
    ],
  },
  target: 'ppm',
  window: { history: 52, horizon: 1, order_by: 'week', relative: 'last' },
  split: { validation: 0.1, test: 0.2 },
  training: {
    epochs: 30,
    batch_size: 32,
    optimizer: { type: 'adam', learning_rate: 0.005 },
    global_clip_norm: 1,
    early_stopping: { metric: 'val_loss', patience: 8, restore_best: true },
    seed,
  },
});

/** Words of one to eight of nine letters, 1 to 9, padded with 0: does a 1 come before a 2? */
function words(): { rows: object[]; schema: object[] } {
  const columns = Array.from({ length: 8 }, (_, place) => `t${place + 1}`);
  let state = 1;
  const draw = (values: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * values);
  };
  const rows = Array.from({ length: 3000 }, () => {
    const letters = Array.from({ length: 2 + draw(7) }, () => 1 + draw(4));
    const first = letters.indexOf(1);
    const rule = first >= 0 && letters.indexOf(2, first) > 0;
    return { ...Object.fromEntries(columns.map((name, place) => [name, letters[place] ?? 0])), rule };
  });
  return { rows, schema: columns.map((name) => ({ name, type: 'integer', encode: 'none' })) };
}

export const CASES: readonly AccuracyCase[] = [
  {
    name: 'digits, two convolutions',
    dataset: { name: 'digits', builtin: 'digits' },
    job: digits(
      [
        { type: 'reshape', target_shape: [8, 8, 1] },
        { type: 'conv2d', filters: 32, kernel_size: 3, activation: 'relu' },
        { type: 'conv2d', filters: 32, kernel_size: 3, activation: 'relu' },
        { type: 'max_pooling2d' },
        { type: 'flatten' },
        { type: 'dropout', rate: 0.3 },
        { type: 'dense', units: 10, activation: 'softmax' },
      ],
      30,
    ),
    score: testAccuracy,
    wanted: 0.98,
  },
  {
    name: 'digits, dense',
    dataset: { name: 'digits', builtin: 'digits' },
    job: digits(
      [
        { type: 'dense', units: 128, activation: 'relu' },
        { type: 'dropout', rate: 0.2 },
        { type: 'dense', units: 64, activation: 'relu' },
        { type: 'dense', units: 10, activation: 'softmax' },
      ],
      40,
    ),
    score: testAccuracy,
    wanted: 0.97,
  },
  {
    name: 'iris, dense',
    dataset: { name: 'iris', builtin: 'iris' },
    job: (seed) => ({
      spec: {
        layers: [
          { type: 'dense', units: 16, activation: 'relu' },
          { type: 'dense', units: 3, activation: 'softmax' },
        ],
      },
      target: 'species',
      split: { validation: 0, test: 0.2, seed },
      training: { epochs: 80, batch_size: 16, optimizer: { type: 'adam', learning_rate: 0.01 }, seed },
    }),
    score: testAccuracy,
    wanted: 0.94,
  },
  {
    name: 'diabetes, dense, early stopping (R²)',
    dataset: { name: 'diabetes', builtin: 'diabetes' },
    job: (seed) => ({
      spec: {
        layers: [
          { type: 'dense', units: 32, activation: 'tanh', kernel_regularizer: { l2: 0.02 } },
          { type: 'dense', units: 1 },
        ],
      },
      target: 'progression',
      split: { validation: 0.15, test: 0.2, seed },
      training: {
        epochs: 200,
        batch_size: 32,
        metrics: ['r2'],
        early_stopping: { metric: 'val_loss', patience: 20, restore_best: true },
        optimizer: { type: 'adam', learning_rate: 0.003 },
        seed,
      },
    }),
    score: (metrics) => metrics['test_r2'] ?? Number.NaN,
    wanted: 0.42,
  },
  {
    name: 'CO₂ a week ahead, LSTM (gain)',
    dataset: { name: 'co2', builtin: 'co2' },
    job: weekAhead('lstm'),
    score: gainOverLastValue,
    wanted: 0.01,
  },
  {
    name: 'CO₂ a week ahead, GRU (gain)',
    dataset: { name: 'co2', builtin: 'co2' },
    job: weekAhead('gru'),
    score: gainOverLastValue,
    wanted: 0.01,
  },
  {
    name: 'words, masked GRU',
    dataset: { name: 'words', ...words() },
    job: (seed) => ({
      spec: {
        input_dtype: 'int32',
        layers: [
          { type: 'embedding', input_dim: 10, output_dim: 8, mask_zero: true },
          { type: 'gru', units: 16 },
          { type: 'dense', units: 1, activation: 'sigmoid' },
        ],
      },
      target: 'rule',
      split: { validation: 0.1, test: 0.2, seed },
      training: { epochs: 30, batch_size: 32, optimizer: { type: 'adam', learning_rate: 0.01 }, seed },
    }),
    score: testAccuracy,
    wanted: 0.99,
  },
];
