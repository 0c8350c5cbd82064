import { expect, test } from '@jest/globals';
import { ProviderError } from '../provider/error.ts';
import { plainly, type Deal } from '../slot/testing/deal.ts';
import { World } from '../slot/testing/world.ts';
import { testCall } from '../state/testing/call.ts';
import { destroyEnvironment } from './destroy.ts';
import { collectGarbage } from './gc.ts';

/** Its cloud removes nothing. */
const refusing: Deal = (what, act) => {
  if (what === 'destroy environment') throw new ProviderError('denied', 'not today');
  return plainly(what, act);
};

test('a destroy that failed is tried anew by the next one', async () => {
  const world = new World();
  const id = await world.environment('a');
  await expect(world.run(destroyEnvironment(world.process(refusing), id))).rejects.toThrow('not today');
  const { document } = await world.run(destroyEnvironment(world.process(), id));
  expect(document.phase).toBe('gone');
  expect(world.cloud.running.size).toBe(0);
});

test('a destroy that failed is finished by gc', async () => {
  const world = new World();
  const id = await world.environment('a');
  await expect(world.run(destroyEnvironment(world.process(refusing), id))).rejects.toThrow('not today');
  const [item] = await world.run(collectGarbage(world.process(), { dryRun: false }));
  expect(item).toMatchObject({ id, done: true });
  expect((await world.environmentDocument(id)).phase).toBe('gone');
});

test('gc spares what was renewed after it looked', async () => {
  const world = new World();
  const [first, second] = [await world.environment('a'), await world.environment('b')];
  const expiry = async (id: string, expiresAt: string): Promise<void> => {
    await world.documents.environments.update(id, (document) => ({ ...document, expiresAt }), testCall());
  };
  for (const id of [first, second]) await expiry(id, '2000-01-01T00:00:00.000Z');
  const renewing: Deal = async (what, act) => {
    if (what === 'destroy environment') await expiry(second, '2999-01-01T00:00:00.000Z');
    return plainly(what, act);
  };
  const items = await world.run(collectGarbage(world.process(renewing), { dryRun: false }));
  expect(items.filter(({ done }) => done).map(({ id }) => id)).toEqual([first]);
  expect((await world.environmentDocument(second)).phase).toBe('ready');
});
