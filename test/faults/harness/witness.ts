import { fork } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Acknowledgement, WitnessReply, WitnessRequest } from '../programs/witness.ts';

type Asked = WitnessRequest extends infer Request ? (Request extends WitnessRequest ? Omit<Request, 'id'> : never) : never;

/** The outside witness; what it has seen is in its file, whatever happens to anybody else. */
export interface Witness {
  /** Posts a job until it is accepted or refused. */
  submit(request: { url: string; key: string; body: object; giveUpMs?: number }): Promise<WitnessReply>;
  /** Streams a job's events until its end, over as many connections as it takes. */
  follow(request: { url: string; job: string; giveUpMs?: number }): Promise<WitnessReply>;
  seen(): Acknowledgement[];
  close(): void;
}

const GIVE_UP_MS = 120_000;

export function startWitness(file: string): Witness {
  writeFileSync(file, '');
  const child = fork(fileURLToPath(new URL('../programs/witness.ts', import.meta.url)), [file], { execArgv: [] });
  const waiting = new Map<number, (reply: WitnessReply) => void>();
  let asked = 0;
  child.on('message', (reply: WitnessReply) => {
    waiting.get(reply.id)?.(reply);
    waiting.delete(reply.id);
  });
  const ask = (request: Asked): Promise<WitnessReply> => {
    asked += 1;
    const id = asked;
    return new Promise((resolve) => {
      waiting.set(id, resolve);
      child.send({ ...request, id });
    });
  };
  return {
    submit: (request) => ask({ type: 'submit', giveUpMs: GIVE_UP_MS, ...request }),
    follow: (request) => ask({ type: 'follow', giveUpMs: GIVE_UP_MS, ...request }),
    seen: () =>
      readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line): Acknowledgement => JSON.parse(line)),
    close: () => void child.kill('SIGKILL'),
  };
}
