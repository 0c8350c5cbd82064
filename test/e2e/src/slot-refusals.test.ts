import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { eventually } from './http.ts';
import { SlotApp } from './slot-app.ts';
import { DaemonByHand } from './slot-daemon.ts';

let app: SlotApp;
beforeEach(async () => {
  app = await SlotApp.open();
});
afterEach(async () => app[Symbol.asyncDispose]());

test('what a slot uses is not destroyed: not by a person, not by gc, not behind the engine’s back', async () => {
  const a = await app.create('a');
  const b = await app.create('b');
  for (const { id } of [a, b]) await app.move('promote', id, 'master');
  await app.sandbox.create('--sha', a.commit, '--ttl', '1s');
  const { url } = await app.show();
  for (const { id } of [a, b]) {
    const { outcome, error } = await app.try('env', 'destroy', id, '--yes');
    expect({ exit: outcome.code, message: error?.message }).toEqual({
      exit: 7,
      message: expect.stringContaining('master'),
    });
    expect(error?.hint).toMatch(/clusternator /);
  }
  // Its time is over by now, and it is still kept.
  await eventually(async () => {
    const { data } = await app.sandbox.json<{ environment: { expiresAt: string } }>(['env', 'show', a.id]);
    expect(Date.parse(data.environment.expiresAt)).toBeLessThan(Date.now());
  });
  const { data } = await app.sandbox.json<{ items: readonly { id: string }[] }>(['gc']);
  expect(data.items.map(({ id }) => id)).not.toContain(a.id);
  expect(await new DaemonByHand(app.sandbox).destroyEnvironmentBehind('master')).toBe('conflict');

  expect(await app.version(url)).toBe('b');
  await app.move('rollback', 'master');
  expect(await app.version(url)).toBe('a');
}, 120_000);

test('a standby is destroyed when its slot is named, the head never is', async () => {
  const [a, b] = [await app.create('a'), await app.create('b')];
  for (const { id } of [a, b]) await app.move('promote', id, 'master');
  const { url } = await app.show();
  const refused = await app.try('env', 'destroy', b.id, '--force', 'master', '--yes');
  expect(refused.outcome.code).toBe(7);
  expect(refused.error?.message).toContain('master');
  const taken = await app.try('env', 'destroy', a.id, '--force', 'master', '--yes');
  expect(taken.outcome.code).toBe(0);
  expect((await app.sandbox.environments()).map(({ id }) => id)).toEqual([b.id]);
  expect(await app.version(url)).toBe('b');
  const back = await app.try('rollback', 'master');
  expect({ exit: back.outcome.code, message: back.error?.message }).toEqual({
    exit: 7,
    message: 'slot master has no standby to go back to',
  });
  expect(await app.version(url)).toBe('b');
}, 120_000);

describe('routes that somebody changed by hand', () => {
  test('are told, with both sides, and never overwritten, until they are repaired or adopted', async () => {
    const [a, b, c] = [await app.create('a'), await app.create('b'), await app.create('c')];
    for (const { id } of [a, b]) await app.move('promote', id, 'master');
    const { url } = await app.show();
    const daemon = new DaemonByHand(app.sandbox);
    await daemon.send('master', 1);
    expect(await app.version(url)).toBe('a');

    for (const words of [
      ['promote', c.id, 'master'],
      ['rollback', 'master'],
    ]) {
      const { outcome, error } = await app.try(...words);
      expect({ words, exit: outcome.code, code: error?.code }).toEqual({ words, exit: 10, code: 'drifted' });
      expect(error?.message).toContain(a.id);
      expect(error?.message).toContain(b.id);
      expect(error?.hint).toMatch(/slot repair master[^]*slot adopt master/);
      expect(await app.version(url)).toBe('a');
    }
    const shown = await app.sandbox.run(['slot', 'show', 'master', '--exit-code']);
    expect({ code: shown.code, stdout: shown.stdout }).toEqual({
      code: 10,
      stdout: expect.stringMatching(new RegExp(`written: 100 % ${b.id}\\n +served: +100 % ${a.id}`)),
    });

    await app.sandbox.run(['slot', 'repair', 'master']);
    expect(await app.version(url)).toBe('b');
    expect(await app.show()).toMatchObject({ generation: 2, head: { environment: b.id } });

    await daemon.send('master', 1);
    await app.sandbox.run(['slot', 'adopt', 'master', '--reason', 'moved by hand']);
    expect(await app.version(url)).toBe('a');
    const adopted = await app.show();
    expect(adopted).toMatchObject({ generation: 3, head: { environment: a.id }, standbys: [{ environment: b.id }] });
    expect(adopted.drift).toBeUndefined();
    expect(adopted.releases?.[0]).toMatchObject({ kind: 'adopt', reason: 'moved by hand' });
    await app.move('promote', c.id, 'master');
    expect(await app.version(url)).toBe('c');
  }, 180_000);
});

describe('many at a time', () => {
  test('each wins or is told who owns the slot, and the ledger is one line', async () => {
    const made = [await app.create('a'), await app.create('b'), await app.create('c')];
    await app.move('promote', made[0]!.id, 'master');
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, at) => app.try('promote', made[at % 3]!.id, 'master')),
    );
    for (const { outcome, error } of outcomes) {
      expect([0, 4]).toContain(outcome.code);
      if (outcome.code === 4) expect(error?.message).toMatch(/operation [0-9a-z]{26} \(|taken over/);
    }
    expect(outcomes.some(({ outcome }) => outcome.code === 0)).toBe(true);
    await expectOneLine();
  }, 240_000);

  test('automatic promotions take turns, and a newer one takes the place of one that waits', async () => {
    const made = [await app.create('a'), await app.create('b'), await app.create('c')];
    await app.move('promote', made[0]!.id, 'master');
    const words = ['master', '--automatic', '--allow-older'];
    const outcomes = await Promise.all(
      Array.from({ length: 12 }, (_, at) => app.try('promote', made[at % 3]!.id, ...words)),
    );
    const codes = outcomes.map(({ outcome, error }) => (outcome.code === 0 ? 'done' : error?.code));
    expect(new Set(codes).difference(new Set(['done', 'superseded']))).toEqual(new Set());
    expect(codes).toContain('done');
    await expectOneLine();
  }, 240_000);

  test('a promotion that slept while another took over writes nothing more', async () => {
    const [a, b] = [await app.create('a'), await app.create('b')];
    await app.move('promote', a.id, 'master');
    let pid = 0;
    const sleeper = app.sandbox.json(['promote', b.id, 'master', '--bake', '10m'], {
      onStart: (child) => (pid = child.pid ?? 0),
    });
    await eventually(async () => expect((await app.show()).state).toBe('baking'));
    process.kill(pid, 'SIGSTOP');
    await app.move('rollback', 'master');
    const daemon = new DaemonByHand(app.sandbox);
    const before = await daemon.slot('master');
    process.kill(pid, 'SIGCONT');
    const { outcome } = await sleeper;
    expect(outcome.code).toBe(4);
    expect(await daemon.slot('master')).toEqual(before);
    expect(await app.show()).toMatchObject({ generation: 3, head: { environment: a.id }, state: 'idle' });
    await expectOneLine();
  }, 120_000);

  test('who saw an older generation is refused', async () => {
    const [a, b] = [await app.create('a'), await app.create('b')];
    await app.move('promote', a.id, 'master');
    await app.move('promote', b.id, 'master', '--if-generation', '1');
    const { outcome, error } = await app.try('rollback', 'master', '--if-generation', '1');
    expect({ exit: outcome.code, error: error?.message }).toEqual({
      exit: 4,
      error: expect.stringContaining('generation 2'),
    });
    expect((await app.show()).head?.environment).toBe(b.id);
  }, 120_000);
});

/** Each release left what the one before it made, and what is served is the last one. */
async function expectOneLine(): Promise<void> {
  const releases = [...(await app.releases())].reverse();
  expect(releases.map(({ generation }) => generation)).toEqual(releases.map((_, at) => at + 1));
  for (const [at, { from }] of releases.entries()) expect(from).toBe(releases[at - 1]?.environment);
  const slot = await app.show();
  expect(slot.head?.environment).toBe(releases.at(-1)?.environment);
  expect(slot.traffic).toEqual([expect.objectContaining({ environment: slot.head?.environment, percent: 100 })]);
  expect(slot).toMatchObject({ state: 'idle' });
}
