import { expect, test } from '@jest/globals';
import { testCall } from '../state/testing/call.ts';
import { collectPins } from './collect.ts';
import { pinEnvironment, unpinEnvironment } from './pins.ts';
import { World } from './testing/world.ts';

const slot = 'master';
const at = new Date(0);

async function pinnedAt(...epochs: readonly number[]): Promise<{ readonly world: World; readonly id: string }> {
  const world = new World();
  const id = await world.environment('a');
  for (const epoch of epochs)
    await pinEnvironment(world.documents, id, { slot, holder: `op${String(epoch)}`, epoch }, testCall());
  return { world, id };
}

test('who comes late removes only pins up to its own epoch', async () => {
  const { world, id } = await pinnedAt(3, 5);
  await unpinEnvironment(world.documents, id, { slot, upTo: 4, at }, testCall());
  expect((await world.environmentDocument(id)).pins).toEqual({ master: { op5: 5 } });
  await unpinEnvironment(world.documents, id, { slot, upTo: 5, at }, testCall());
  expect(await world.environmentDocument(id)).toMatchObject({ pins: {}, releasedAt: at.toISOString() });
});

test('a process that slept does not lower the epoch of a pin', async () => {
  const { world, id } = await pinnedAt(5);
  await pinEnvironment(world.documents, id, { slot, holder: 'op5', epoch: 4 }, testCall());
  expect((await world.environmentDocument(id)).pins).toEqual({ master: { op5: 5 } });
});

test('what is going is not pinned', async () => {
  const { world, id } = await pinnedAt();
  await world.documents.environments.update(id, (found) => ({ ...found, phase: 'destroying' }), testCall());
  await expect(pinEnvironment(world.documents, id, { slot, holder: 'op', epoch: 1 }, testCall())).rejects.toMatchObject(
    {
      code: 'unhealthy',
    },
  );
});

test('gc raises the epoch of an idle slot before it drops a pin whose claim could still come', async () => {
  const { world, id } = await pinnedAt(2);
  const empty = {
    schema: 1,
    name: slot,
    epoch: 1,
    generation: 0,
    standbys: [],
    rejected: [],
    draining: [],
    retain: 1,
    drainSeconds: 0,
    mechanism: 'router',
    provider: { name: 'memory', config: {} },
  } as const;
  await world.documents.slots.create(slot, empty, testCall());
  await world.run(collectPins(world.process()));
  expect((await world.environmentDocument(id)).pins).toEqual({});
  expect((await world.slot()).epoch).toBe(2);
});
