import { setTimeout as sleep } from 'node:timers/promises';
import type { ContainerInfo } from 'dockerode';
import { ProviderError } from '@clusternator/core/provider';
import { nameOf, type Containers } from './containers.ts';
import type { Engine } from './engine.ts';
import { errorOf } from './errors.ts';
import type { Ownership } from './labels.ts';

export interface WatchHandlers {
  /** The containers that should be there: of one that is not, also when nobody saw it go, `onChange` tells. */
  expected?(): Iterable<string>;
  /** Something about this container changed: look at it. Also for each of them at the start, and when the engine is back. */
  onChange(name: string): void;
  /** Once for each time that the engine is away, with the reason for people. */
  onUnavailable(reason: string): void;
  onAvailable?(): void;
}

const GONE = '';
const SHORTEST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5000;
const EVENTS = [
  'create',
  'start',
  'die',
  'oom',
  'destroy',
  'pause',
  'unpause',
  'health_status',
  'restart',
  'stop',
  'rename',
];

/** Tells what happens to our containers, also when the engine was away or its events were lost: then by comparing. */
export class Watch {
  private known = new Map<string, string>();
  private away = false;

  constructor(
    private readonly engine: Engine,
    private readonly ours: Ownership,
    private readonly containers: Containers,
    private readonly handlers: WatchHandlers,
    private readonly resyncSeconds: number,
  ) {}

  /** Until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    let pauseMs = SHORTEST_PAUSE_MS;
    do {
      try {
        await this.session(signal, () => (pauseMs = SHORTEST_PAUSE_MS));
      } catch (error) {
        if (!ProviderError.is(error)) throw error;
        if (error.code !== 'cancelled') this.lost(error);
      }
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    } while (await pause(pauseMs, signal));
  }

  /** Listens first and compares then, so that nothing falls in between. */
  private async session(signal: AbortSignal, onConnected: () => void): Promise<void> {
    const doing = 'listen to the Docker Engine';
    const filters = JSON.stringify({ type: ['container'], event: EVENTS, ...this.ours.filter({}) });
    const session = new AbortController();
    const both = AbortSignal.any([signal, session.signal]);
    const events = await this.engine.stream(doing, '/events', { filters }, both);
    try {
      await this.tellAll(signal);
      this.found();
      onConnected();
      // An engine that hangs sends no events, and says nothing: it is asked.
      await Promise.race([this.listen(events, doing, signal), this.compareUntilEnd(both)]);
    } finally {
      session.abort();
    }
  }

  private async listen(events: AsyncIterable<Buffer>, doing: string, signal: AbortSignal): Promise<void> {
    let rest = '';
    try {
      for await (const chunk of events) {
        const lines = `${rest}${chunk.toString('utf8')}`.split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) this.heard(line);
      }
    } catch (cause) {
      throw errorOf(cause, { doing, signal, timeoutSeconds: 0 });
    }
    throw new ProviderError('unavailable', 'the Docker Engine ended its events: it is stopping');
  }

  private heard(line: string): void {
    if (line.trim() === '') return;
    const event: unknown = JSON.parse(line);
    const name = nameIn(event);
    if (name !== undefined) this.handlers.onChange(name);
  }

  private async compareUntilEnd(signal: AbortSignal): Promise<void> {
    while (await pause(this.resyncSeconds * 1000, signal)) await this.compare(signal);
  }

  /** One that was started again meanwhile may look as before, so each is told of, and those that are gone. */
  private async tellAll(signal: AbortSignal): Promise<void> {
    this.known = new Map([...this.known.keys()].map((name) => [name, GONE]));
    await this.compare(signal);
  }

  private async compare(signal: AbortSignal): Promise<void> {
    const now = new Map((await this.containers.listInfo({}, signal)).map((info) => [nameOf(info), looksOf(info)]));
    const before = this.known;
    this.known = now;
    for (const [name, looks] of now) if (before.get(name) !== looks) this.handlers.onChange(name);
    const expected = new Set([...before.keys(), ...(this.handlers.expected?.() ?? [])]);
    for (const name of expected) if (!now.has(name)) this.handlers.onChange(name);
  }

  private lost(error: ProviderError): void {
    if (this.away) return;
    this.away = true;
    this.handlers.onUnavailable(error.message);
  }

  private found(): void {
    if (!this.away) return;
    this.away = false;
    this.handlers.onAvailable?.();
  }
}

/** False once the signal aborts. */
async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
  return !signal.aborted;
}

/** What differs when something happened. A start that nobody saw gives another port. */
function looksOf({ Id, State, Ports }: ContainerInfo): string {
  return JSON.stringify([Id, State, Ports.map(({ PublicPort }) => PublicPort).sort()]);
}

/** An event's container: `{ Actor: { Attributes: { name } } }`. */
function nameIn(event: unknown): string | undefined {
  const inside = (value: unknown, key: string): unknown =>
    typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
  const name = inside(inside(inside(event, 'Actor'), 'Attributes'), 'name');
  return typeof name === 'string' ? name : undefined;
}
