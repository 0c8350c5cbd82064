import { describe, expect, test } from '@jest/globals';
import { destroyEnvironment } from '../environment/destroy.ts';
import { collectGarbage } from '../environment/gc.ts';
import { promote } from '../slot/promote.ts';
import { rollback } from '../slot/rollback.ts';
import type { World } from '../slot/testing/world.ts';
import { runBackups } from '../storage/backups.ts';
import { restore, snapshotNow, swap, destroy } from '../storage/services.ts';
import { A, B, OWN_VOLUME, servingShop, shopOf, SLOT_VOLUME, snapshotsOf, volumeOf } from '../storage/testing/shop.ts';
import { rebuild, writtenOf } from './testing/lost.ts';

const BACKUP = { every: '1h', keep: '1d' };
const take = (world: World, volume: string, name: string) => world.run(snapshotNow(world.process(), { volume, name }));
const due = (world: World) => world.run(runBackups(world.process(), { due: true, dryRun: false }));

test('the data of a slot is the slot’s again: its head has it, and the next release gets it', async () => {
  const world = await servingShop();
  const before = await volumeOf(world, SLOT_VOLUME);
  const head = (await world.slot()).head ?? '';
  world.loseState();
  await rebuild(world);
  const { volume, scope, slot, name, holdsSlotData, onDestroy, phase } = (await volumeOf(world, SLOT_VOLUME)) ?? {};
  expect({ volume, scope, slot, name, holdsSlotData, onDestroy, phase }).toMatchObject({
    scope: 'slot',
    slot: 'master',
    name: 'data',
    holdsSlotData: true,
    onDestroy: before?.onDestroy,
    phase: 'ready',
  });
  expect((await world.slot()).head).toBe(head);
  expect((await world.environmentDocument(head)).spec?.fingerprint).toBe(
    world.cloud.running.get(`${head.replace('@', '-').replace('.', '-')}-1`)?.fingerprint,
  );
  await expect(world.run(destroy(world.process(), SLOT_VOLUME, false))).rejects.toMatchObject({ code: 'refused' });
  await world.run(promote(world.process(), { slot: 'master', environment: B }));
  expect(world.storage.dataOf(SLOT_VOLUME)).toBe('orders');
  await world.run(rollback(world.process(), { slot: 'master' }));
  expect((await world.slot()).head).toBe(head);
});

test('of two volumes at a place the one that the head mounts is in use', async () => {
  const world = await servingShop();
  await take(world, SLOT_VOLUME, 'before');
  await world.run(restore(world.process(), { snapshot: 'before', as: 'again', swap: true }));
  const before = await world.slot();
  world.loseState();
  await rebuild(world);
  expect(await volumeOf(world, SLOT_VOLUME)).toMatchObject({
    current: 'again',
    retained: { why: 'again took its place' },
  });
  expect(await volumeOf(world, 'again')).toMatchObject({ place: SLOT_VOLUME, origin: 'before', slot: 'master' });
  expect((await volumeOf(world, 'again'))?.retained).toBeUndefined();
  expect((await world.slot()).head).toBe(before.head);
  await world.run(swap(world.process(), { volume: SLOT_VOLUME }));
  expect(await volumeOf(world, SLOT_VOLUME)).not.toHaveProperty('current');
});

test('an environment that goes on with another volume is known again', async () => {
  const world = await shopOf();
  world.storage.write(OWN_VOLUME, 'mine');
  await take(world, OWN_VOLUME, 'before');
  await world.run(restore(world.process(), { snapshot: 'before', as: 'again', swap: true }));
  const before = await world.environmentDocument(A);
  world.loseState();
  await rebuild(world);
  const after = await world.environmentDocument(A);
  expect({ spec: after.spec?.fingerprint, volumes: [...(after.volumes ?? [])].sort() }).toEqual({
    spec: before.spec?.fingerprint,
    volumes: [...(before.volumes ?? [])].sort(),
  });
  expect(await volumeOf(world, OWN_VOLUME)).toMatchObject({ current: 'again' });
});

test('data that goes with an environment stays when that is destroyed, since a person may have kept it', async () => {
  const world = await shopOf();
  world.loseState();
  const items = await rebuild(world);
  expect(items.find(({ id }) => id === OWN_VOLUME)?.unknown[0]?.hint).toContain(`storage destroy ${OWN_VOLUME}`);
  await world.run(destroyEnvironment(world.process(), A));
  expect(world.storage.volumes.has(OWN_VOLUME)).toBe(true);
  await world.run(destroy(world.process(), OWN_VOLUME, false));
  expect(world.storage.volumes.has(OWN_VOLUME)).toBe(false);
  await world.run(collectGarbage(world.process(), { dryRun: false }));
});

describe('backups', () => {
  test('go on by their schedule, and none expires that a person may keep', async () => {
    const world = await servingShop({ backup: BACKUP });
    await due(world);
    world.clock.jump(3700);
    await due(world);
    const before = await snapshotsOf(world);
    world.loseState();
    await rebuild(world);
    expect((await volumeOf(world, SLOT_VOLUME))?.lastBackup).toMatchObject({ sequence: 2 });
    const after = await snapshotsOf(world);
    expect(after.map(({ id, kind, place, slot, backup }) => ({ id, kind, place, slot, backup }))).toEqual(
      before.map(({ id, kind, place, slot, backup }) => ({ id, kind, place, slot, backup })),
    );
    expect(await due(world)).toEqual([]);
    world.clock.jump(2 * 24 * 3600);
    const [run] = await due(world);
    expect(run).toMatchObject({ state: 'taken', expired: [] });
  });
});

test('what is half made goes with gc, unless something may write to it', async () => {
  const world = await servingShop();
  await take(world, SLOT_VOLUME, 'whole');
  for (const id of ['half', SLOT_VOLUME]) {
    const found = world.storage.volumes.get(SLOT_VOLUME);
    if (found) world.storage.volumes.set(id, { ...found, spec: { ...found.spec, id }, isWhole: false });
  }
  const snapshot = world.storage.snapshots.get('whole');
  if (snapshot)
    world.storage.snapshots.set('torn', { ...snapshot, spec: { ...snapshot.spec, id: 'torn' }, isWhole: false });
  world.loseState();
  await rebuild(world);
  await world.run(collectGarbage(world.process(), { dryRun: false }));
  expect([...world.storage.volumes.keys()].sort()).toEqual(
    [SLOT_VOLUME, `${A}-1-data`, `${B}-1-data`, `${'c'.repeat(12)}-1-data`].sort(),
  );
  expect([...world.storage.snapshots.keys()]).toEqual(['whole']);
});

test('a disk of a slot is with its head', async () => {
  const world = await servingShop({ kind: 'disk' });
  const before = await volumeOf(world, SLOT_VOLUME);
  world.loseState();
  await rebuild(world);
  const after = await volumeOf(world, SLOT_VOLUME);
  expect(after?.holder).toBe(before?.holder);
  await world.run(promote(world.process(), { slot: 'master', environment: B }));
  expect((await volumeOf(world, SLOT_VOLUME))?.holder).toBe((await world.slot()).head);
  expect(writtenOf(await rebuild(world))).toEqual([]);
});
