import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';

import type { EnvironmentAnswer } from './cli.ts';
import { eventually } from './http.ts';
import { processesOf } from './leftovers.ts';
import { SlotApp, type ReleaseAnswer, type SlotAnswer } from './slot-app.ts';
import { SlotLibrary } from './slot-library.ts';

const STEPS = Number(process.env.SLOT_STEPS ?? 150);
const SEED = Number(process.env.SLOT_SEED ?? Math.floor(Math.random() * 2 ** 31));
const VERSIONS = ['a', 'b', 'c'] as const;
const MOVES = ['promote', 'promote', 'rollback', 'promote killed', 'rollback killed', 'daemon killed', 'destroy', 'gc'];

/** @see https://gist.github.com/tommyettinger/46a874533244883189143505d203312c (mulberry32) */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** A slot in the hands of programs that die, before a daemon that dies. */
class Chaos {
  readonly #app: SlotApp;
  readonly #environments: readonly EnvironmentAnswer[];
  readonly #random: (below: number) => number;
  #library: SlotLibrary;
  #slot: SlotAnswer;
  readonly told: string[] = [];

  constructor(app: SlotApp, environments: readonly EnvironmentAnswer[], slot: SlotAnswer, seed: number) {
    this.#app = app;
    this.#environments = environments;
    this.#slot = slot;
    this.#random = randomOf(seed);
    this.#library = new SlotLibrary(app.sandbox);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#library[Symbol.asyncDispose]();
  }

  async step(): Promise<void> {
    const move = MOVES[this.#random(MOVES.length)] ?? '';
    const environment = this.#environments[this.#random(this.#environments.length)]?.id ?? '';
    const afterMs = this.#random(150);
    const before = this.#slot;
    this.told.push(`${move} ${environment} ${String(afterMs)}`);
    const [verb, killed] = move.split(' ');
    if (move === 'daemon killed') await this.#killDaemon();
    else if (move === 'gc') await this.#library.ask('gc', {});
    else if (move === 'destroy') await this.#destroy(environment);
    else if (killed) await this.#moveAndDie(verb === 'promote' ? 'promote' : 'rollback', environment, afterMs);
    else if (verb === 'promote') await this.#promote(environment);
    else await this.#rollBack(before);
    this.#slot = await eventually(() => this.#agreed());
    const isAllowed = [before.head?.environment, ...before.standbys.map((one) => one.environment), environment];
    expect(isAllowed).toContain(this.#slot.head?.environment);
    expect(this.#slot.generation).toBeGreaterThanOrEqual(before.generation);
  }

  async #promote(environment: string): Promise<void> {
    const { ok, error } = await this.#library.ask('promote', { slot: 'master', environment });
    expect({ ok, error }).toEqual({ ok: true, error: undefined });
    expect((await this.#show()).head?.environment).toBe(environment);
  }

  async #rollBack({ standbys }: SlotAnswer): Promise<void> {
    const answer = await this.#library.ask('rollback', { slot: 'master' });
    const [first] = standbys;
    if (first) expect((await this.#show()).head?.environment).toBe(first.environment);
    else expect(answer.error?.code).toBe('refused');
  }

  async #moveAndDie(verb: 'promote' | 'rollback', environment: string, afterMs: number): Promise<void> {
    const doomed = this.#library;
    await doomed.ask('show', { slot: 'master' });
    const request = verb === 'promote' ? { slot: 'master', environment } : { slot: 'master' };
    const asked = doomed.ask(verb, request).catch(() => undefined);
    await sleep(afterMs);
    await doomed.kill();
    await asked;
    this.#library = new SlotLibrary(this.#app.sandbox);
  }

  /** What a slot uses can't be destroyed; the others are not, so that there is something to promote. */
  async #destroy(environment: string): Promise<void> {
    const { head, standbys, rejected } = this.#slot;
    const used = [head, ...standbys, ...rejected].some((one) => one?.environment === environment);
    if (!used) return;
    const { error } = await this.#library.ask('destroy', { environment });
    expect(error?.code).toBe('refused');
  }

  async #killDaemon(): Promise<void> {
    const all = await processesOf(this.#app.sandbox.stateHome);
    const daemon = all.find(({ command }) => command.includes('daemon'));
    if (daemon) process.kill(daemon.pid, 'SIGKILL');
  }

  async #show(): Promise<SlotAnswer> {
    return (await this.#library.ask<SlotAnswer>('show', { slot: 'master' })).result;
  }

  /** Whatever was left is finished or turned back by the next that comes: then document, ledger, router and visitors agree. */
  async #agreed(): Promise<SlotAnswer> {
    const seen = await this.#show();
    if (seen.operation) await this.#library.ask('promote', { slot: 'master', environment: seen.head?.environment });
    await this.#library.ask('gc', {}); // completes the ledger of one who died before its line
    const slot = await this.#show();
    const head = slot.head?.environment;
    expect(slot).toMatchObject({ state: 'idle', traffic: [{ environment: head, percent: 100 }] });
    expect(slot.drift).toBeUndefined();
    const { result } = await this.#library.ask<readonly ReleaseAnswer[]>('releases', { slot: 'master' });
    const releases = result.toReversed();
    expect(releases.map(({ generation }) => generation)).toEqual(releases.map((_, at) => at + 1));
    for (const [at, { from }] of releases.entries()) expect(from).toBe(releases[at - 1]?.environment);
    expect(releases.at(-1)).toMatchObject({ generation: slot.generation, environment: head });
    const version = VERSIONS[this.#environments.findIndex(({ id }) => id === head)];
    expect(await this.#app.version(slot.url)).toBe(version);
    return slot;
  }
}

test(`whatever is promoted, rolled back and killed in whatever order, all agree in the end (SLOT_SEED=${String(SEED)})`, async () => {
  await using app = await SlotApp.open();
  const environments: EnvironmentAnswer[] = [];
  for (const version of VERSIONS) environments.push(await app.create(version));
  const { slot } = await app.move('promote', environments[0]?.id ?? '', 'master');
  await using chaos = new Chaos(app, environments, slot, SEED);
  for (let step = 0; step < STEPS; step += 1) {
    await chaos.step().catch((cause: unknown) => {
      const steps = chaos.told.slice(-8).join('\n');
      throw new Error(`step ${String(step)} of SLOT_SEED=${String(SEED)}; the last ones:\n${steps}\n${String(cause)}`, {
        cause,
      });
    });
  }
  expect(chaos.told).toHaveLength(STEPS);
}, 1_200_000);
