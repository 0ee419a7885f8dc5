import { setTimeout as pause } from 'node:timers/promises';

/** Asks again and again until the answer is not null, or fails with what was waited for. */
export async function eventually<T>(what: string, ask: () => T | null | Promise<T | null>, withinMs = 20_000): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (answer !== null) return answer;
    if (performance.now() > deadline) throw new Error(`${what}: not within ${withinMs} ms`);
    await pause(20);
  }
}
