import { afterEach, expect, test } from '@jest/globals';

import { CloudApp, COMMANDS, PROGRAM } from './cloud-app.ts';
import type { ChangeAnswer } from './slot-app.ts';

let app: CloudApp;
afterEach(() => app[Symbol.asyncDispose]());

// MiniStack's Auto Scaling groups keep no machines.
test('on moto: commits without an image run on machines, a slot moves under load, and back, and nothing is left of them', async () => {
  app = await CloudApp.open('moto', COMMANDS, PROGRAM);
  const [a, b] = [await app.commit('a'), await app.commit('b')];
  const [first, second] = [await app.create(a), await app.create(b)];
  expect([await app.versionAt(first.url), await app.versionAt(second.url)]).toEqual(['a', 'b']);
  expect(await app.cloud.curl(first.url)).toBe('hello');
  expect(app.cloud.plane.machines()).toHaveLength(2);

  const { slot } = await app.tool<ChangeAnswer>('promote', first.id, 'master');
  const heard = await app.versionsDuring(slot.url, async () => {
    await app.tool('promote', second.id, 'master');
    await app.follows(slot.url, 'b');
    await app.follows(slot.url.replace('master--', 'master-1--'), 'a');
    await app.tool<ChangeAnswer>('rollback', 'master');
    await app.follows(slot.url, 'a');
  });
  expect(heard).toEqual(['a', 'b']);

  const held = await app.sandbox.json(['env', 'destroy', first.id, '--yes']);
  expect({ exit: held.outcome.code, code: held.error?.code }).toEqual({ exit: 7, code: 'refused' });
  const third = await app.create(await app.commit('c'));
  await app.tool('env', 'destroy', third.id, '--yes');
  expect(app.cloud.plane.machines()).toHaveLength(2);
  expect(await app.account.inventory()).toMatchObject({ group: 2, template: 2, 'target group': 2 });
}, 900_000);
