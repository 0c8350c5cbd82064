import { expect, test } from '@jest/globals';
import { World } from '../slot/testing/world.ts';
import { confirmReady } from './confirm.ts';
import { resourceIdOf } from './life.ts';

/** A ready environment, and what a second `env create` of its commit is told. */
async function ready() {
  const world = new World();
  const id = await world.environment('a');
  const document = await world.environmentDocument(id);
  const confirm = () =>
    world.run(confirmReady(world.process(), { id, document, revision: '' }, document.overrides ?? '', undefined));
  return { world, id, resourceId: resourceIdOf(document), confirm };
}

test('one that is just started again is waited for until it answers', async () => {
  const { world, resourceId, confirm } = await ready();
  let looks = 0;
  world.cloud.sick.set(resourceId, () => (++looks < 4 ? 'starting' : undefined));
  expect(await confirm()).toMatchObject({ phase: 'ready' });
  expect(looks).toBeGreaterThanOrEqual(4);
});

test('one that does not answer is told as unhealthy, and is not made anew', async () => {
  const { world, id, resourceId, confirm } = await ready();
  world.cloud.sick.set(resourceId, () => 'it hangs');
  await expect(confirm()).rejects.toMatchObject({
    code: 'unhealthy',
    message: expect.stringContaining('it hangs') as unknown,
  });
  expect((await world.environmentDocument(id)).phase).toBe('ready');
  expect(world.cloud.running.has(resourceId)).toBe(true);
});

test('one that is gone from its provider is to be made again', async () => {
  const { world, resourceId, confirm } = await ready();
  world.cloud.running.delete(resourceId);
  expect(await confirm()).toBeUndefined();
});
