import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { RequestedColumn } from './table.ts';
import type { ByteSource } from './text-decoding.ts';

interface Builtin {
  readonly summary: string;
  readonly open: ByteSource;
  readonly schema: readonly RequestedColumn[];
}

/** Datasets every server has, as CSV files like any other upload. */
export const BUILTINS = {
  iris: { summary: '150 flowers of three species, four measures each (Fisher 1936)', open: example('iris.csv'), schema: [] },
  digits: { summary: '1797 handwritten digits of 8 × 8 pixels (Alpaydin and Kaynak 1998)', open: example('digits.csv'), schema: [] },
  diabetes: {
    summary: '442 patients, ten measures each and the progress of their disease (Efron et al. 2004)',
    open: example('diabetes.csv'),
    schema: [],
  },
  co2: {
    summary: '2284 weeks of carbon dioxide in the air at Mauna Loa, with gaps (Keeling and Whorf 2004)',
    open: example('co2.csv'),
    schema: [{ name: 'ppm', missing: 'interpolate' }],
  },
  xor: { summary: 'exclusive or: the four rows no single layer can separate', open: () => xorFile(), schema: [] },
} as const satisfies Record<string, Builtin>;

export type BuiltinName = keyof typeof BUILTINS;

export const BUILTIN_NAMES = Object.keys(BUILTINS) as BuiltinName[];

function example(name: string): ByteSource {
  return () => createReadStream(fileURLToPath(new URL(`../../examples/${name}`, import.meta.url)));
}

function xorFile(): AsyncIterable<Uint8Array> {
  return Readable.from([Buffer.from('x1,x2,y\n0,0,0\n0,1,1\n1,0,1\n1,1,0\n')]);
}
