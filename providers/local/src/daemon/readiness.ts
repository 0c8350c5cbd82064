import { setTimeout as sleep } from 'node:timers/promises';
import type { HealthCheckBody } from '../control/protocol.ts';
import type { Endpoint } from './endpoint.ts';
import { probe, type ProbedEndpoint } from './probe.ts';

export interface ReadinessOptions {
  /** Where the instance takes connections, as soon as it does. */
  find(): Promise<ProbedEndpoint | undefined>;
  readonly check: HealthCheckBody | undefined;
  /** For the Host header. */
  readonly host: string;
  /** What is still missing. */
  onWait(message: string): void;
  readonly signal: AbortSignal;
}

const FIRST_PAUSE_SECONDS = 0.01;
/** A look costs a millisecond, so that what a program took to start is known to a sixth of it. */
const GROWTH = 1.15;
const LONGEST_PAUSE_SECONDS = 1;

/**
 * Waits until an instance passes its check as often in a row as it asks for. It looks often at first, since most programs start fast.
 * Rejects with the signal alone.
 */
export async function becomeReady(options: ReadinessOptions): Promise<Endpoint> {
  const { check, signal } = options;
  const longest = Math.min(check?.everySeconds ?? LONGEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS);
  let passed = 0;
  for (let pause = FIRST_PAUSE_SECONDS; ; pause = Math.min(pause * GROWTH, longest)) {
    const endpoint = await options.find();
    const result = endpoint && (await probe(endpoint, check, options.host, signal));
    signal.throwIfAborted();
    passed = result?.ok ? passed + 1 : 0;
    if (endpoint && passed >= (check?.healthyAfter ?? 1)) return endpoint;
    options.onWait(result?.message ?? 'it takes no connections yet');
    await sleep((passed > 0 ? (check?.everySeconds ?? pause) : pause) * 1000, undefined, { signal });
  }
}
