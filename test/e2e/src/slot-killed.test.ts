import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { killAtWrite, type EnvironmentAnswer } from './cli.ts';
import { eventually, get } from './http.ts';
import { processesOf } from './leftovers.ts';
import { SlotApp, type ReleaseAnswer, type SlotAnswer } from './slot-app.ts';
import { SlotLibrary } from './slot-library.ts';

let app: SlotApp;
let a: EnvironmentAnswer;
let b: EnvironmentAnswer;
let url: string;
/** Looks at what is there, without the start-up of a command for each look. */
let judge: SlotLibrary;
beforeEach(async () => {
  app = await SlotApp.open({ slot: 'standbys: 2' });
  [a, b] = [await app.create('a'), await app.create('b')];
  url = (await app.move('promote', a.id, 'master')).slot.url;
  judge = new SlotLibrary(app.sandbox);
}, 120_000);
afterEach(async () => judge[Symbol.asyncDispose]());
afterEach(async () => app[Symbol.asyncDispose]());

/** Kills the command at its nth write to the state. @returns Whether it was still there to be killed. */
async function killed(n: number, ...words: string[]): Promise<boolean> {
  const killer = killAtWrite(n, path.join(app.sandbox.stateHome, 'projects', `${app.sandbox.project}--default`));
  const { signal } = await app.sandbox.run(words, { onStart: (child) => killer.onStart(child) });
  killer.stop();
  return signal !== null;
}

async function daemon(): Promise<number> {
  const all = await processesOf(app.sandbox.stateHome);
  return all.find(({ command }) => command.includes('daemon'))?.pid ?? 0;
}

/** One head, that serves alone and answers; a ledger that agrees; and all that was there is there. */
async function agreed(head: string): Promise<void> {
  const slot = await show();
  expect(slot).toMatchObject({ state: 'idle', head: { environment: head, healthy: true } });
  expect(slot.drift).toBeUndefined();
  expect(slot.traffic).toEqual([expect.objectContaining({ environment: head, percent: 100 })]);
  const releases = (await judge.look<readonly ReleaseAnswer[]>('releases', { slot: 'master' })).toReversed();
  expect(releases.map(({ generation }) => generation)).toEqual(releases.map((_, at) => at + 1));
  for (const [at, { from }] of releases.entries()) expect(from).toBe(releases[at - 1]?.environment);
  expect(releases.at(-1)).toMatchObject({ generation: slot.generation, environment: head });
  const there = await judge.look<readonly EnvironmentAnswer[]>('environments');
  expect(there.map(({ id, phase }) => [id, phase]).sort()).toEqual([a, b].map(({ id }) => [id, 'ready']).sort());
  expect(await judge.look('unfinished')).toEqual([]);
}

async function show(): Promise<SlotAnswer> {
  return judge.look<SlotAnswer>('show', { slot: 'master' });
}

/** Asks all the time. @returns Stops, and tells what was not answered by a head. */
function watching(): () => Promise<readonly string[]> {
  const faults: string[] = [];
  let running = true;
  const ask = async (): Promise<void> => {
    while (running) {
      const said = await get(url).then(
        ({ status, body }) => (status === 200 ? undefined : `${String(status)} ${body}`),
        (error: unknown) => String(error),
      );
      if (said !== undefined) faults.push(said);
      await sleep(2);
    }
  };
  const asking = ask();
  return async () => {
    running = false;
    await asking;
    return faults;
  };
}

describe('the command is killed at each of its writes', () => {
  test.each([
    ['the same command again', 1],
    ['op resume', 2],
  ])(
    'of promote and of rollback: the slot answers all the time, and %s ends it',
    async (how, from) => {
      const stop = watching();
      const kills = { promote: 0, rollback: 0 };
      try {
        for (let n = from; n < 60; n += 3) {
          const wasKilled = await killed(n, 'promote', b.id, 'master');
          if (how === 'op resume') await resumeAll();
          await app.move('promote', b.id, 'master');
          // One that never came to own the slot is in nobody's way, and ends when it is resumed.
          await resumeAll();
          await agreed(b.id);
          const wasKilledBack = await killed(n, 'rollback', 'master');
          if (how === 'op resume') await resumeAll();
          await rolledBack();
          await agreed(a.id);
          kills.promote += Number(wasKilled);
          kills.rollback += Number(wasKilledBack);
          if (!wasKilled && !wasKilledBack) break;
        }
      } finally {
        expect(await stop()).toEqual([]);
      }
      // How many writes there are to be killed at is the machine's: under load several go in one, and the last come too late for a kill.
      expect(Math.min(kills.promote, kills.rollback)).toBeGreaterThan(0);
    },
    600_000,
  );
});

/** What was killed may have come through, or be finished first by the next one; then that is told that the slot has moved on. */
async function rolledBack(): Promise<void> {
  if ((await show()).head?.environment === b.id) {
    const { outcome, error } = await app.try('rollback', 'master');
    expect({ exit: outcome.code, error }).toEqual(
      outcome.code === 4
        ? { exit: 4, error: expect.objectContaining({ message: expect.stringContaining('is at generation') }) }
        : { exit: 0, error: undefined },
    );
  }
  await resumeAll();
}

async function resumeAll(): Promise<void> {
  for (const { id } of await judge.look<readonly { id: string }[]>('unfinished')) {
    const { outcome } = await app.sandbox.json(['op', 'resume', id]);
    // Where traffic had not moved yet, it may also be turned back.
    expect([0, 4, 5, 6]).toContain(outcome.code);
  }
}

describe('the daemon is killed', () => {
  test('while a slot is moved: the command goes on with the next daemon, or says how to', async () => {
    for (let round = 0; round < 12; round += 1) {
      const [to, words] = round % 2 === 0 ? [b, ['promote', b.id, 'master']] : [a, ['rollback', 'master']];
      const moving = app.try(...words);
      await sleep(100 + 40 * round);
      const pid = await daemon();
      if (pid > 0) process.kill(pid, 'SIGKILL');
      const { outcome } = await moving;
      const head = (await show()).head?.environment;
      if (outcome.code === 0) expect(head).toBe(to.id);
      await resumeAll();
      if ((await show()).head?.environment !== to.id) await eventually(async () => app.move(...words));
      await eventually(async () => agreed(to.id));
    }
  }, 400_000);

  test('together with the program that moves the slot', async () => {
    for (const [round, afterMs] of [5, 15, 30, 50, 80, 120, 200, 300].entries()) {
      const library = new SlotLibrary(app.sandbox);
      const [to, verb] = round % 2 === 0 ? ([b, 'promote'] as const) : ([a, 'rollback'] as const);
      const moving = library.ask(verb, { slot: 'master', environment: b.id }).catch(() => undefined);
      await sleep(400 + afterMs);
      process.kill(await daemon(), 'SIGKILL');
      process.kill(library.pid, 'SIGKILL');
      await moving;
      await eventually(async () => {
        await resumeAll();
        if ((await show()).head?.environment !== to.id)
          await app.move(...(verb === 'promote' ? ['promote', b.id, 'master'] : ['rollback', 'master']));
        await agreed(to.id);
      });
    }
  }, 400_000);
});

test('a restart of the machine in the middle of it: one command brings the slot back, with one head', async () => {
  const moving = app.try('promote', b.id, 'master', '--bake', '10m');
  await eventually(async () => expect((await show()).state).toBe('baking'));
  for (const { pid } of await processesOf(app.sandbox.stateHome)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // gone with another
    }
  }
  await moving.catch(() => undefined);
  judge = new SlotLibrary(app.sandbox);
  await eventually(async () => expect((await show()).head?.healthy).toBe(true));
  expect(await app.version(url)).toBe('b');
  await app.move('rollback', 'master');
  await agreed(a.id);
  expect(await app.version(url)).toBe('a');
}, 120_000);
