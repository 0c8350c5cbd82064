/** What tests send through a data plane, and what they wait for. */
import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

const WAIT_MILLISECONDS = 60_000;
const PAUSE_MILLISECONDS = 50;
const SIDES = 4;

/** How many requests of each answer came back; those that failed by their status, or as `broken`. */
export type Tally = Readonly<Record<string, number>>;

/** What a URL answers through a proxy: the text, or the status of a failure. */
export function askThrough(proxyUrl: string, url: string): Promise<string> {
  const { hostname, port } = new URL(proxyUrl);
  return new Promise((resolve) => {
    const broken = (): void => resolve('broken');
    const asked = request({ hostname, port, path: url, agent: false }, (response) => {
      const told = (bytes: Buffer[]): void => {
        const text = Buffer.concat(bytes).toString().trim();
        resolve(response.statusCode === 200 ? text : String(response.statusCode));
      };
      response.toArray().then(told, broken);
    });
    asked.on('error', broken).end();
  });
}

/** Asks over and over, from four sides at once, while something is done. */
export async function loadDuring(ask: () => Promise<string>, work: () => Promise<unknown>): Promise<Tally> {
  const tally: Record<string, number> = {};
  let isDone = false;
  const side = async (): Promise<void> => {
    while (!isDone) {
      const answer = await ask();
      tally[answer] = (tally[answer] ?? 0) + 1;
    }
  };
  const sides = Array.from({ length: SIDES }, side);
  try {
    await work();
  } finally {
    isDone = true;
    await Promise.all(sides);
  }
  return tally;
}

/** Asks until there is an answer. */
export async function eventually<T>(ask: () => Promise<T | undefined>): Promise<T> {
  const until = Date.now() + WAIT_MILLISECONDS;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > until) throw new Error(`not within ${String(WAIT_MILLISECONDS)} ms: ${ask.toString()}`);
    await sleep(PAUSE_MILLISECONDS);
  }
}
