/** An epoch as the event stream tells it. */
export interface EpochEvent {
  readonly epoch: number;
  readonly metrics: Readonly<Record<string, number | null>>;
  readonly seconds: number;
}

export interface ProgressPrinter {
  epoch(event: EpochEvent): void;
  end(): void;
}

const BAR_WIDTH = 28;

/** Shows a training while it runs: one moving bar on a terminal, a plain line now and then elsewhere. */
export function createProgressPrinter(out: NodeJS.WriteStream, epochs: number): ProgressPrinter {
  const startedAt = performance.now();
  const lineEvery = Math.max(1, Math.floor(epochs / 10));
  return {
    epoch(event) {
      const eta = ((performance.now() - startedAt) / event.epoch / 1000) * (epochs - event.epoch);
      const text = describe(event, epochs, eta);
      if (out.isTTY) out.write(`\r\x1b[2K  ${bar(event.epoch / epochs)} ${text}`);
      else if (event.epoch % lineEvery === 0 || event.epoch === 1 || event.epoch === epochs) out.write(`  ${text}\n`);
    },
    end() {
      if (out.isTTY) out.write('\n');
    },
  };
}

function describe({ epoch, metrics }: EpochEvent, epochs: number, etaSeconds: number): string {
  const shown = ['loss', 'accuracy', 'val_loss', 'val_accuracy'].flatMap((name) => {
    const value = metrics[name];
    return typeof value === 'number' ? [`${name} ${value.toFixed(4)}`] : [];
  });
  return [`epoch ${String(epoch).padStart(String(epochs).length)}/${epochs}`, ...shown, `ETA ${etaSeconds.toFixed(1)} s`].join('  ');
}

function bar(fraction: number): string {
  const filled = Math.round(fraction * BAR_WIDTH);
  return `[${'='.repeat(filled)}${' '.repeat(BAR_WIDTH - filled)}]`;
}
