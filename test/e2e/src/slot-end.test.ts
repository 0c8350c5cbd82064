import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { killAtWrite, type EnvironmentAnswer } from './cli.ts';
import { get } from './http.ts';
import { SlotApp, type SlotAnswer, type SlotEndAnswer } from './slot-app.ts';
import { SlotLibrary } from './slot-library.ts';

let app: SlotApp;
let a: EnvironmentAnswer;
let b: EnvironmentAnswer;
let url: string;
beforeEach(async () => {
  app = await SlotApp.open({ slot: 'standbys: 2' });
  [a, b] = [await app.create('a'), await app.create('b')];
  for (const { id } of [a, b]) ({ url } = (await app.move('promote', id, 'master')).slot);
}, 120_000);
afterEach(async () => app[Symbol.asyncDispose]());

async function end(...flags: readonly string[]): Promise<SlotEndAnswer> {
  return (await app.sandbox.answer<{ destroyed: SlotEndAnswer }>('slot', 'destroy', 'master', '--yes', ...flags))
    .destroyed;
}

/** Nothing of the slot answers or is listed, and no environment is kept by it. */
async function ended(): Promise<void> {
  expect((await get(url)).status).toBe(404);
  const { slots } = await app.sandbox.answer<{ slots: readonly SlotAnswer[] }>('slot', 'list');
  expect(slots.map(({ name, head, generation }) => [name, head, generation])).toEqual([['master', undefined, 0]]);
  const there = await app.sandbox.environments();
  expect(there.map(({ id, phase, pins }) => [id, phase, pins]).sort()).toEqual(
    [a, b].map(({ id }) => [id, 'ready', []]).sort(),
  );
}

test('a slot ends: nothing of it answers, its environments are like any other, and a promotion makes it anew', async () => {
  const plan = await app.sandbox.answer<{ plan: { changes: readonly { what: string }[] } }>(
    ...(['slot', 'destroy', 'master', '--dry-run'] as const),
  );
  expect(plan.plan.changes.map(({ what }) => what)).toContain('slot master');
  const unasked = await app.try('slot', 'destroy', 'master');
  expect({ exit: unasked.outcome.code, hint: unasked.error?.hint }).toEqual({ exit: 2, hint: 'add --yes' });
  expect(await app.version(url)).toBe('b');

  expect(await end('--reason', 'no more wanted')).toMatchObject({ generation: 3, wasGone: false, keeps: [] });
  await ended();
  for (const verb of ['show', 'repair', 'adopt', 'rollback']) {
    const { outcome, error } = await app.try('slot', verb, 'master');
    if (verb === 'show')
      expect(outcome.code).toBe(0); // the config names it, and a promotion makes it anew
    else expect(error).toMatchObject({ code: 'not-found', message: expect.stringContaining('no more wanted') });
  }
  expect((await app.releases()).map(({ environment }) => environment)).toEqual([b.id, a.id]);
  expect(await end()).toMatchObject({ generation: 3, wasGone: true });

  const { slot } = await app.move('promote', a.id, 'master');
  expect(slot).toMatchObject({ generation: 4, standbys: [] });
  expect(await app.version(url)).toBe('a');
  await end();
  for (const { id } of [a, b]) expect((await app.try('env', 'destroy', id, '--yes')).outcome.code).toBe(0);
}, 120_000);

describe('the command is killed at each of its writes', () => {
  test.each([
    ['the same command again', 1],
    ['op resume', 2],
  ])(
    'of slot destroy: %s ends it, and nothing is done twice',
    async (how, from) => {
      const judge = new SlotLibrary(app.sandbox);
      const folder = path.join(app.sandbox.stateHome, 'projects', `${app.sandbox.project}--default`);
      let kills = 0;
      try {
        for (let n = from; n < 40; n += 2) {
          const killer = killAtWrite(n, folder);
          const { signal } = await app.sandbox.run(['slot', 'destroy', 'master', '--yes'], {
            onStart: (child) => killer.onStart(child),
          });
          killer.stop();
          if (how === 'op resume')
            for (const { id } of await judge.look<readonly { id: string }[]>('unfinished'))
              await app.sandbox.json(['op', 'resume', id]);
          await end();
          for (const { id } of await judge.look<readonly { id: string }[]>('unfinished'))
            await app.sandbox.json(['op', 'resume', id]);
          expect(await judge.look('unfinished')).toEqual([]);
          await ended();
          for (const { id } of [a, b]) await app.move('promote', id, 'master');
          expect(await app.version(url)).toBe('b');
          if (signal === null) break;
          kills += 1;
        }
      } finally {
        await judge[Symbol.asyncDispose]();
      }
      // How many writes there are to be killed at is the machine's: under load several go in one.
      expect(kills).toBeGreaterThan(0);
    },
    600_000,
  );
});
