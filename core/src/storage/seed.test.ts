import { expect, test } from '@jest/globals';
import { promote } from '../slot/promote.ts';
import { testCall } from '../state/testing/call.ts';
import { snapshotNow } from './services.ts';
import { A, B, servingShop, shopOf, SLOT_VOLUME, snapshotsOf, volumeOf } from './testing/shop.ts';

const CLEANED = { seed: { snapshot: 'master/latest', run: 'node clean.js' } };

test('the first volume of a slot begins empty, whatever its seed is to be once the slot has data', async () => {
  const world = await shopOf({ scope: 'slot', ...CLEANED });
  const commands: string[] = [];
  world.cloud.exec = (_, command) => {
    commands.push(command.join(' '));
    return { code: 0, says: '' };
  };
  await world.run(promote(world.process(), { slot: 'master', environment: A }));
  expect(await volumeOf(world, SLOT_VOLUME)).toMatchObject({ phase: 'ready', scope: 'slot' });
  expect([world.storage.dataOf(SLOT_VOLUME), commands]).toEqual(['', []]);
});

test('a slot that lost its volume gets its own data back, and not what others are to see of it', async () => {
  const world = await servingShop(CLEANED);
  await world.run(snapshotNow(world.process(), { volume: SLOT_VOLUME, name: 'first' }));
  world.storage.volumes.delete(SLOT_VOLUME);
  await world.documents.volumes.update(SLOT_VOLUME, (now) => ({ ...now, phase: 'gone' }), testCall());
  world.cloud.exec = () => {
    throw new Error('it was cleaned');
  };
  await world.run(promote(world.process(), { slot: 'master', environment: B }));
  expect(world.storage.dataOf(SLOT_VOLUME)).toBe('orders');
});

test('what a slot writes is its data, also where its volume began with what a command made', async () => {
  const world = await shopOf({ scope: 'slot', seed: { run: 'node seed.js' } });
  world.cloud.exec = () => ({ code: 0, says: '' });
  await world.run(promote(world.process(), { slot: 'master', environment: A }));
  await world.run(snapshotNow(world.process(), { volume: SLOT_VOLUME, name: 'first' }));
  const snapshots = await snapshotsOf(world);
  expect(snapshots.map(({ kind, holdsSlotData }) => [kind, holdsSlotData]).sort()).toEqual([
    ['manual', true],
    ['seed', false],
  ]);
});
