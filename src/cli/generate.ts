// `npm run generate`: rewrites every file that is a copy of something in the code. With `--check` it only says which are stale.
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { generateDocs } from '../../docs/generate.ts';
import { generateOpenapi, OPENAPI_FILE } from '../../openapi/generate.ts';

const isCheck = process.argv.includes('--check');

for (const { file, text } of [{ file: OPENAPI_FILE, text: await generateOpenapi() }, ...generateDocs()]) {
  if (!isCheck) await writeFile(file, text);
  else if ((await readFile(file, 'utf8')) !== text) {
    console.error(`${fileURLToPath(file)} is stale: run "npm run generate" and commit it`);
    process.exitCode = 1;
  }
}
