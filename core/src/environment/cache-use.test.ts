import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BuildCache } from '../cache/build-cache.ts';
import { projectConfigSchema } from '../config/schema.ts';
import { World } from '../slot/testing/world.ts';
import { write } from '../source/testing/repositories.ts';
import { collectGarbage } from './gc.ts';
import { environmentSpec } from './spec.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'clusternator cache '));
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

test('gc takes caches that nothing used for 30 days, and those that the config names no more', async () => {
  const world = new World();
  const caches = new BuildCache(
    join(root, 'caches'),
    () => 2 ** 30,
    () => world.clock.now().getTime(),
  );
  for (const path of ['old', 'new', 'unnamed']) {
    if (path !== 'old') world.clock.jump(20 * 86_400);
    write(join(root, 'tree', path, 'a'), path);
    const use = { owner: 'shop/default', part: 'web', folders: [path], sizeMiB: 1, tree: join(root, 'tree') };
    await caches.save({ ...use, signal: new AbortController().signal, tell: () => undefined });
  }
  const gc = (dryRun: boolean) =>
    world.run(collectGarbage({ ...world.process(), caches }, { dryRun, caches: ['old', 'new'] }));
  const expected = [
    { id: 'old of web', type: 'cache', why: 'was not used for 40 days' },
    { id: 'unnamed of web', type: 'cache', why: 'is not in the config any more' },
  ];
  expect(await gc(true)).toEqual(expected.map((item) => ({ ...item, done: false })));
  expect(caches.list('shop/default')).toHaveLength(3);
  for (const entry of caches.list('shop/default')) if (entry.path !== 'new') await caches.remove(entry);
  expect(await gc(true)).toEqual([]);
  caches.close();
});

test('what is cached is told to the provider, and is no part of what an environment is', () => {
  const specWith = (cache: string[]) => {
    const services = { web: { command: 'node web.js', port: 8080, route: '/' } };
    const config = projectConfigSchema.parse({ project: 'shop', provider: 'local', services, cache });
    const identity = {
      project: 'shop',
      stage: 'default',
      id: 'a',
      resourceId: 'a-1',
      commit: 'a',
      incarnation: 1,
      hosts: [],
    };
    const artefact = { kind: 'files' as const, digest: 'tree-a', bytes: 1 };
    return environmentSpec(identity, config, { services: { web: artefact }, sites: {} }, {});
  };
  expect(specWith([])).not.toHaveProperty('cache');
  expect(specWith(['.npm'])).toMatchObject({
    cache: { folders: ['.npm'], sizeMiB: 2048 },
    fingerprint: specWith([]).fingerprint,
  });
});
