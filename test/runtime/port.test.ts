import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { choosePort, findFreePort } from '../../src/runtime/port.ts';

test('a free port is taken as wanted, a busy one is replaced', async () => {
  const wanted = await findFreePort();
  expect(await choosePort('127.0.0.1', wanted)).toEqual({ port: wanted, busy: false });
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(wanted, '127.0.0.1', resolve));
  const chosen = await choosePort('127.0.0.1', wanted);
  expect(chosen.busy).toBe(true);
  expect(chosen.port).not.toBe(wanted);
  other.close();
});
