import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { eventually, get } from './http.ts';
import { SlotApp, type SlotAnswer } from './slot-app.ts';

let app: SlotApp;
beforeEach(async () => {
  app = await SlotApp.open({ slot: 'standbys: 2, drain: { requests: 1s, ws: 1s }' });
});
afterEach(async () => app[Symbol.asyncDispose]());

const standbys = ({ standbys: all }: SlotAnswer): readonly string[] =>
  all.map(({ environment }, at) => `master.${String(at + 1)} ${environment}`);

test('the whole story: promoted without a build, rolled back past what was rejected, held, let go, and the oldest dropped only after bake', async () => {
  const a = await app.create('a');
  const first = await app.move('promote', a.id, 'master');
  expect(first).toMatchObject({ existed: false, undo: null, slot: { generation: 1, head: { environment: a.id } } });
  const { url } = first.slot;
  expect(await app.version(url)).toBe('a');

  // The pull request's environment is what serves: nothing is built, started or unpacked again.
  const b = await app.create('b');
  const { pid } = JSON.parse((await get(b.url)).body) as { pid: number };
  const built = await app.builds();
  const second = await app.move('promote', b.commit.slice(0, 8), 'master', '--reason', 'b is good');
  expect(second).toMatchObject({ from: { environment: a.id }, to: { environment: b.id } });
  expect(second.undo).toBe('clusternator rollback master');
  expect(second.flipSeconds).toBeGreaterThan(0);
  expect(JSON.parse((await get(url)).body)).toMatchObject({ version: 'b', pid });
  expect((await get(`${url}/assets/`)).body).toBe('assets of b');
  expect(await app.builds()).toEqual(built);
  expect(standbys(second.slot)).toEqual([`master.1 ${a.id}`]);
  expect(await app.version(second.slot.standbys[0]?.url ?? '')).toBe('a');
  const { data } = await app.sandbox.json<{ environment: { services: { name: string; digest: string }[] } }>([
    ...['env', 'show', b.id],
  ]);
  const digests = Object.fromEntries(data.environment.services.map(({ name, digest }) => [name, digest]));
  const shown = await app.show();
  expect(shown.releases?.[0]).toMatchObject({ generation: 2, kind: 'promote', reason: 'b is good', digests });
  expect(shown.traffic).toEqual([expect.objectContaining({ environment: b.id, percent: 100 })]);

  const c = await app.create('c');
  const third = await app.move('promote', c.id, 'master');
  expect(standbys(third.slot)).toEqual([`master.1 ${b.id}`, `master.2 ${a.id}`]);
  expect(await app.version(url)).toBe('c');

  const back = await app.move('rollback', 'master', '--reason', 'c is slow');
  expect(back.slot).toMatchObject({ generation: 4, head: { environment: b.id }, rejected: [{ environment: c.id }] });
  expect(await app.version(url)).toBe('b');
  const further = await app.move('rollback', 'master');
  expect(further.slot.head?.environment).toBe(a.id);
  expect(further.slot.rejected.map(({ environment }) => environment).sort()).toEqual([b.id, c.id].sort());
  expect(await app.version(url)).toBe('a');
  const none = await app.try('rollback', 'master');
  expect(none.outcome.code).toBe(7);

  const d = await app.create('d');
  const held = await app.try('promote', d.id, 'master', '--automatic');
  expect({ exit: held.outcome.code, hint: held.error?.hint }).toEqual({
    exit: 7,
    hint: expect.stringContaining('slot unpin master'),
  });
  expect(await app.version(url)).toBe('a');
  await app.sandbox.json(['slot', 'unpin', 'master']);
  await app.move('promote', d.id, 'master', '--automatic');
  expect(await app.version(url)).toBe('d');

  const e = await app.create('e');
  await app.move('promote', e.id, 'master');
  const f = await app.create('f');
  await app.move('promote', f.id, 'master', '--bake', '4s', '--no-wait');
  const baking = await eventually(async () => {
    const slot = await app.show();
    expect(slot.state).toBe('baking');
    return slot;
  });
  expect(standbys(baking)).toEqual([`master.1 ${e.id}`, `master.2 ${d.id}`, `master.3 ${a.id}`]);
  expect(await app.version(a.url)).toBe('a');
  const done = await eventually(async () => {
    const slot = await app.show();
    expect(slot.state).toBe('idle');
    return slot;
  });
  expect(standbys(done)).toEqual([`master.1 ${e.id}`, `master.2 ${d.id}`]);
  const ledger = await app.releases();
  expect(ledger.map(({ kind, environment }) => [kind, environment])).toEqual([
    ...[f, e, d].map(({ id }) => ['promote', id]),
    ...[a, b].map(({ id }) => ['rollback', id]),
    ...[c, b, a].map(({ id }) => ['promote', id]),
  ]);
  expect(ledger.map(({ generation }) => generation)).toEqual([8, 7, 6, 5, 4, 3, 2, 1]);
  await app.sandbox.destroy(a.id);
  expect(await app.version(url)).toBe('f');
}, 240_000);

test('a person sees what was moved, and how to undo it; a script gets the URL alone', async () => {
  const a = await app.create('a');
  const b = await app.create('b');
  await app.move('promote', a.id, 'master');
  const { code, stdout, stderr } = await app.sandbox.run(['promote', b.id, 'master']);
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^http:\/\/master--\S+\n$/) });
  expect(stderr).toContain(`Slot master: ${a.id} → ${b.id} (Version b), in `);
  expect(stderr).toMatch(new RegExp(`master\\.1 +${a.id} +ready +http://master-1--`));
  expect(stderr).toContain('To undo: clusternator rollback master');

  const again = await app.sandbox.run(['promote', b.id, 'master']);
  expect({ code: again.code, stderr: again.stderr }).toEqual({ code: 0, stderr: expect.stringContaining('already') });
  const plan = await app.sandbox.run(['rollback', 'master', '--dry-run', '--exit-code']);
  expect({ code: plan.code, stdout: plan.stdout }).toEqual({ code: 10, stdout: expect.stringContaining(a.id) });
  expect((await app.show()).generation).toBe(2);

  const picture = await app.sandbox.run(['slot', 'show', 'master']);
  expect(picture.stdout).toMatch(new RegExp(`● master +${b.id} +healthy +100 %`));
  expect(picture.stdout).toMatch(new RegExp(`○ master\\.1 +${a.id} +healthy`));
  const list = await app.sandbox.run(['slot', 'list']);
  expect(list.stdout).toMatch(new RegExp(`master +idle +2 +${b.id} +${a.id}`));
  const releases = await app.sandbox.json<{ releases: unknown[]; next: number }>([
    ...['slot', 'releases', 'master', '--limit', '1'],
  ]);
  expect(releases.data).toMatchObject({ releases: [{ generation: 2, environment: b.id }], next: 2 });
}, 120_000);
