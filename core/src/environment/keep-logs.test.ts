import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ProjectConfig } from '../config/schema.ts';
import { KeptLogs } from '../logs/kept-logs.ts';
import { no, yes } from '../provider/capabilities.ts';
import { ProviderError } from '../provider/error.ts';
import { plainly, type Deal } from '../slot/testing/deal.ts';
import { Mortal } from '../slot/testing/mortal.ts';
import { CAPABILITIES, World } from '../slot/testing/world.ts';
import { testCall } from '../state/testing/call.ts';
import { destroyEnvironment } from './destroy.ts';
import type { LogLine } from './environment.ts';
import { collectGarbage } from './gc.ts';
import { readLogs } from './read-logs.ts';

const DAY = 86_400;
let root: string;
let world: World;
beforeEach(() => {
  root = join(mkdtempSync(join(tmpdir(), 'clusternator logs ')), 'logs');
  world = worldWith();
});
afterEach(() => {
  rmSync(join(root, '..'), { recursive: true });
});

function worldWith(logHistory = no('they go with it')): World {
  const made = new World('version', { ...CAPABILITIES, 'environments.logHistory': logHistory });
  made.keptLogs = new KeptLogs(root);
  return made;
}

/** An environment that wrote lines. */
async function environment(letter: string, lines: number, logs: ProjectConfig['logs']): Promise<string> {
  const id = await world.environment(letter);
  const { document } = (await world.documents.environments.get(id, testCall())) ?? fail();
  const config = { ...(document.config ?? fail()), logs };
  await world.documents.environments.update(id, (it) => ({ ...it, config }), testCall());
  world.cloud.lines.set(`${id}-${String(document.incarnation)}`, linesOf(letter, 1, lines));
  return id;
}

function linesOf(word: string, from: number, to: number): LogLine[] {
  return Array.from({ length: to - from + 1 }, (_, at) => ({
    at: new Date(Date.UTC(2026, 0, 1, 0, 0, from + at)),
    service: (from + at) % 2 === 0 ? 'web' : 'db',
    instance: '0',
    text: `${word} ${String(from + at)}`,
    cursor: String(from + at),
  }));
}

async function kept(id: string, query: object = {}): Promise<string[]> {
  const lines = readLogs(world.process(), id, { follow: false, ...query }, testCall());
  return (await Array.fromAsync(lines)).map(({ text }) => text);
}
const destroy = (id: string, deal: Deal = plainly) => world.run(destroyEnvironment(world.process(deal), id));
const texts = (word: string, from: number, to: number) => linesOf(word, from, to).map(({ text }) => text);

describe('logs of an environment that is gone', () => {
  test('are not kept unless the config asks for it, and nothing is made', async () => {
    const id = await environment('a', 3, { sizeMiB: 200 });
    expect((await destroy(id)).document.logs).toBeUndefined();
    expect(existsSync(root)).toBe(false);
    await expect(kept(id)).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('nothing is kept'),
    });
  });

  test('can be read until they expire, by service, time and cursor', async () => {
    const id = await environment('a', 6, { sizeMiB: 200, keepSeconds: 30 * DAY });
    const { document } = await destroy(id);
    expect(document.logs).toEqual({ until: expect.stringMatching(/^2026-01-31T00:00:00/) });
    expect(await kept(id)).toEqual(texts('a', 1, 6));
    expect(await kept(id, { services: ['web'] })).toEqual(['a 2', 'a 4', 'a 6']);
    expect(await kept(id, { since: new Date(Date.UTC(2026, 0, 1, 0, 0, 5)) })).toEqual(texts('a', 5, 6));
    expect(await kept(id, { after: '4' })).toEqual(texts('a', 5, 6));
    world.clock.jump(31 * DAY);
    await expect(kept(id)).rejects.toThrow('its logs were kept until 2026-01-31');
  });

  test('go with gc once they are over their time, and not before', async () => {
    const [first, second] = [
      await environment('a', 2, { sizeMiB: 200, keepSeconds: DAY }),
      await environment('b', 2, { sizeMiB: 200, keepSeconds: 3 * DAY }),
    ];
    for (const id of [first, second]) await destroy(id);
    const gc = async (dryRun: boolean) => world.run(collectGarbage(world.process(), { dryRun, logsMiB: 200 }));
    expect(await gc(false)).toEqual([]);
    world.clock.jump(2 * DAY);
    const item = { id: first, type: 'logs', why: expect.stringContaining('kept until') };
    expect(await gc(true)).toEqual([{ ...item, done: false }]);
    expect(await gc(false)).toEqual([{ ...item, done: true }]);
    expect(readdirSync(root)).toEqual([`${second}-1`]);
    expect(await kept(second)).toEqual(texts('b', 1, 2));
  });

  test('of an environment that wrote nothing are none', async () => {
    const id = await environment('a', 0, { sizeMiB: 200, keepSeconds: DAY });
    expect((await destroy(id)).document.logs).toBeUndefined();
    expect(readdirSync(root)).toEqual([]);
  });

  test('stay readable as those of the previous life when it is made again', async () => {
    const id = await environment('a', 2, { sizeMiB: 200, keepSeconds: DAY });
    await destroy(id);
    const again = world.documentFor('a', { master: {} }, {}, 2);
    const config = { ...(again.config ?? fail()), logs: { sizeMiB: 200, keepSeconds: DAY } };
    await world.documents.environments.update(id, () => ({ ...again, config }), testCall());
    world.cloud.running.set(`${id}-2`, again.spec ?? fail());
    world.cloud.lines.set(`${id}-2`, linesOf('again', 1, 2));
    expect(await kept(id)).toEqual(texts('again', 1, 2));
    expect(await kept(id, { previous: true })).toEqual(texts('a', 1, 2));
    await destroy(id);
    expect(await kept(id)).toEqual(texts('again', 1, 2));
    expect(await kept(id, { previous: true })).toEqual(texts('a', 1, 2));
  });
});

describe('a destroy that keeps logs', () => {
  test('killed after any line that it read is gone on with, and each line is there once', async () => {
    for (let last = 1; last <= 12; last++) {
      world = worldWith();
      rmSync(root, { recursive: true, force: true });
      const id = await environment('a', 8, { sizeMiB: 200, keepSeconds: DAY });
      let dealt = 0;
      const dying: Deal = (what, act) => {
        if (what === 'read a log line' || what === 'destroy environment') dealt++;
        if (dealt > last) return new Promise(() => undefined); // it is killed: nothing of it goes on
        return plainly(what, act);
      };
      const session = world.process(dying);
      void destroyEnvironment(session, id).catch(() => undefined);
      await world.clock.pass(1);
      world.liveness.set(1, 'dead');
      await destroy(id);
      expect(await kept(id)).toEqual(texts('a', 1, 8));
    }
  });

  test('has the last words of what it stopped, wherever it was killed', async () => {
    const words: LogLine = { ...(linesOf('a', 9, 9)[0] ?? fail()), text: 'last words' };
    const whole = new Mortal();
    for (let at = 0; at === 0 || at < whole.dealings; at++) {
      world = worldWith();
      rmSync(root, { recursive: true, force: true });
      const id = await environment('a', 8, { sizeMiB: 200, keepSeconds: DAY });
      world.cloud.lastWords.set(`${id}-1`, words);
      const mortal = at === 0 ? whole : new Mortal(at, 'after');
      const ended = destroyEnvironment(world.process(mortal.deal), id).catch(() => undefined);
      await world.run(Promise.race([ended, mortal.died.promise]));
      world.liveness.set(1, 'dead');
      await destroy(id);
      expect([mortal.names.at(-1), await kept(id)]).toEqual([expect.any(String), [...texts('a', 1, 8), 'last words']]);
    }
  });

  test('takes what is written while it is under way', async () => {
    const id = await environment('a', 2, { sizeMiB: 200, keepSeconds: DAY });
    const writing: Deal = (what, act) => {
      if (what === 'get') world.cloud.lines.set(`${id}-1`, linesOf('a', 1, 5));
      return plainly(what, act);
    };
    await destroy(id, writing);
    expect(await kept(id)).toEqual(texts('a', 1, 5));
  });

  test('is not kept from destroying by logs that can not be read, and says so', async () => {
    const id = await environment('a', 4, { sizeMiB: 200, keepSeconds: DAY });
    const failing: Deal = (what, act) => {
      if (what === 'read a log line') throw new ProviderError('denied', 'not for you');
      return plainly(what, act);
    };
    expect((await destroy(id, failing)).document.phase).toBe('gone');
    expect(world.events).toContainEqual(
      expect.objectContaining({ type: 'warning', message: expect.stringContaining('not kept whole: not for you') }),
    );
  });
});

describe('a provider that keeps logs itself', () => {
  test('is asked for them, as far back as it can', async () => {
    world = worldWith(yes({ limit: 30 }));
    world.cloud.keepsLogs = true;
    const [short, long] = [
      await environment('a', 2, { sizeMiB: 200, keepSeconds: 30 * DAY }),
      await environment('b', 2, { sizeMiB: 200, keepSeconds: 31 * DAY }),
    ];
    const clouds: string[] = [];
    const noting: Deal = (what, act) => {
      if (what.endsWith(' environment')) clouds.push(what);
      return plainly(what, act);
    };
    await destroy(short, noting);
    // Nothing is to be copied: nothing is looked at first.
    expect(clouds).toEqual(['destroy environment', 'read environment']);
    await destroy(long);
    expect(readdirSync(root)).toEqual([`${long}-1`]);
    world.cloud.lines.set(`${short}-1`, linesOf('from the cloud', 1, 2));
    expect(await kept(short)).toEqual(texts('from the cloud', 1, 2));
    expect(await kept(long)).toEqual(texts('b', 1, 2));
  });
});

function fail(): never {
  throw new Error('it is not there');
}
