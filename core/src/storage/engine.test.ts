import { describe, expect, test } from '@jest/globals';
import { destroyEnvironment } from '../environment/destroy.ts';
import { ProviderError } from '../provider/error.ts';
import { promote } from '../slot/promote.ts';
import type { World } from '../slot/testing/world.ts';
import { testCall } from '../state/testing/call.ts';
import { clone, destroy, planRestore, restore, retain, snapshotNow, swap, verify } from './services.ts';
import {
  A,
  B,
  C,
  OWN_VOLUME,
  servingShop,
  shopOf,
  SLOT_VOLUME,
  snapshotsOf,
  volumeOf,
  volumesOf,
} from './testing/shop.ts';

const failure = async (work: Promise<unknown>): Promise<ProviderError> => {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!ProviderError.is(error)) throw new Error(`it did not fail as it should: ${String(error)}`);
  return error;
};
const taken = (world: World, name: string, volume = OWN_VOLUME) =>
  world.run(snapshotNow(world.process(), { volume, name }));

describe('a snapshot', () => {
  test('is what the volume held, whatever is written later', async () => {
    const world = await shopOf();
    world.storage.write(OWN_VOLUME, 'one');
    const { snapshot } = await taken(world, 'first');
    world.storage.write(OWN_VOLUME, 'two');
    expect(snapshot).toMatchObject({ id: 'first', volume: OWN_VOLUME, state: 'ready', kind: 'manual', bytes: 3 });
    expect(world.storage.snapshots.get('first')?.data).toBe('one');
  });

  test('of the same name and volume is the same one; of another volume it is refused', async () => {
    const world = await shopOf();
    world.storage.write(OWN_VOLUME, 'one');
    await taken(world, 'first');
    world.storage.write(OWN_VOLUME, 'two');
    await taken(world, 'first');
    expect(world.storage.snapshots.get('first')?.data).toBe('one');
    expect(await failure(taken(world, 'first', `${B}-1-data`))).toMatchObject({ code: 'already-exists' });
  });

  test('that fails leaves nothing, and the volume as it was', async () => {
    const world = await shopOf();
    world.storage.write(OWN_VOLUME, 'one');
    world.storage.onCopy = () => {
      throw new ProviderError('quota', 'no space left: needs 3 bytes, 0 are free');
    };
    expect(await failure(taken(world, 'first'))).toMatchObject({ code: 'quota' });
    expect([await snapshotsOf(world), world.storage.snapshots.size]).toEqual([[], 0]);
    expect(world.storage.dataOf(OWN_VOLUME)).toBe('one');
  });
});

describe('a restore', () => {
  test('makes a new volume, and no other changes', async () => {
    const world = await shopOf();
    world.storage.write(OWN_VOLUME, 'one');
    await taken(world, 'first');
    world.storage.write(OWN_VOLUME, 'two');
    const { volume } = await world.run(restore(world.process(), { snapshot: 'first', as: 'again' }));
    expect(volume).toMatchObject({ id: 'again', state: 'ready', isInUse: false });
    expect([world.storage.dataOf('again'), world.storage.dataOf(OWN_VOLUME)]).toEqual(['one', 'two']);
  });

  test('of a damaged snapshot is refused, and leaves nothing', async () => {
    const world = await shopOf();
    await taken(world, 'first');
    world.storage.damage('first');
    const before = world.storage.volumes.size;
    const error = await failure(world.run(restore(world.process(), { snapshot: 'first', as: 'again' })));
    expect(error).toMatchObject({ code: 'damaged' });
    expect([await volumeOf(world, 'again'), world.storage.volumes.size]).toEqual([undefined, before]);
  });

  test('that is swapped in stops the environment, starts it on the new volume and keeps the old one', async () => {
    const world = await shopOf();
    world.storage.write(OWN_VOLUME, 'one');
    await taken(world, 'first');
    world.storage.write(OWN_VOLUME, 'two');
    const { swapped } = await world.run(restore(world.process(), { snapshot: 'first', as: 'again', swap: true }));
    expect(swapped).toMatchObject({ place: OWN_VOLUME, from: OWN_VOLUME, to: 'again', behind: [] });
    expect(world.cloud.running.get(`${A}-1`)?.services.db?.mounts.data?.volume.id).toBe('again');
    expect(await world.environmentDocument(A)).toMatchObject({ phase: 'ready', volumes: [OWN_VOLUME, 'again'] });
    expect(await volumeOf(world, OWN_VOLUME)).toMatchObject({
      current: 'again',
      retained: { why: 'again took its place' },
    });
    expect(world.storage.dataOf(OWN_VOLUME)).toBe('two');
    const back = await world.run(swap(world.process(), { volume: OWN_VOLUME }));
    expect(back).toMatchObject({ from: 'again', to: OWN_VOLUME });
    expect(world.cloud.running.get(`${A}-1`)?.services.db?.mounts.data?.volume.id).toBe(OWN_VOLUME);
  });

  test('that is swapped in for a slot moves it to an environment on the new volume', async () => {
    const world = await servingShop();
    const former = (await world.slot()).head;
    await taken(world, 'first', SLOT_VOLUME);
    world.storage.write(SLOT_VOLUME, 'orders, and bad ones');
    const plan = await world.run(planRestore(world.process(), { snapshot: 'first', swap: true }));
    expect(plan.loss).toMatchObject({ volume: SLOT_VOLUME, bytes: 'orders, and bad ones'.length - 'orders'.length });
    const { swapped } = await world.run(restore(world.process(), { snapshot: 'first', as: 'again', swap: true }));
    const { head = '' } = await world.slot();
    expect(head).not.toBe(former);
    expect(swapped?.promotion?.to.environment).toBe(head);
    const { spec } = await world.environmentDocument(head);
    expect(spec?.services.db?.mounts.data?.volume.id).toBe('again');
    expect(world.storage.dataOf(SLOT_VOLUME)).toBe('orders, and bad ones');
    const before = (await snapshotsOf(world)).find(({ kind }) => kind === 'restore');
    expect(world.storage.snapshots.get(before?.id ?? '')?.data).toBe('orders, and bad ones');
    // The next promotion goes on with it.
    await world.run(promote(world.process(), { slot: 'master', environment: B }));
    const next = await world.environmentDocument((await world.slot()).head ?? '');
    expect(next.spec?.services.db?.mounts.data?.volume.id).toBe('again');
  });

  test('takes a slot back to a standby with the data of then, as a rollback that restores data does', async () => {
    const world = await servingShop();
    const { head: standby = '' } = await world.slot();
    await taken(world, 'first', SLOT_VOLUME);
    await world.run(promote(world.process(), { slot: 'master', environment: B }));
    world.storage.write(SLOT_VOLUME, 'spoiled');
    await world.run(restore(world.process(), { snapshot: 'first', as: 'again', swap: true, environment: standby }));
    const back = await world.environmentDocument((await world.slot()).head ?? '');
    expect(back.commit).toBe((await world.environmentDocument(A)).commit);
    expect(back.spec?.services.db?.mounts.data?.volume.id).toBe('again');
    expect([world.storage.dataOf('again'), world.storage.dataOf(SLOT_VOLUME)]).toEqual(['orders', 'spoiled']);
  });

  test('is not swapped in where a slot serves the environment that would be stopped', async () => {
    const world = await shopOf();
    await world.run(promote(world.process(), { slot: 'master', environment: A }));
    await taken(world, 'first');
    const error = await failure(world.run(restore(world.process(), { snapshot: 'first', swap: true })));
    expect(error).toMatchObject({ code: 'refused' });
    expect(world.cloud.running.get(`${A}-1`)?.services.db?.mounts.data?.volume.id).toBe(OWN_VOLUME);
  });
});

test('a clone and its source know nothing of each other', async () => {
  const world = await shopOf();
  world.storage.write(OWN_VOLUME, 'one');
  await world.run(clone(world.process(), { volume: OWN_VOLUME, as: 'copy' }));
  world.storage.write(OWN_VOLUME, 'two');
  world.storage.write('copy', 'three');
  expect([world.storage.dataOf(OWN_VOLUME), world.storage.dataOf('copy')]).toEqual(['two', 'three']);
});

describe('a volume is destroyed', () => {
  test('not while something uses it', async () => {
    const world = await shopOf();
    expect(await failure(world.run(destroy(world.process(), OWN_VOLUME, false)))).toMatchObject({ code: 'refused' });
    expect(world.storage.dataOf(OWN_VOLUME)).toBe('');
  });

  test.each(['delete', 'retain', 'snapshot'])('with its environment, as onDestroy: %s says', async (onDestroy) => {
    const world = await shopOf({ onDestroy });
    world.storage.write(OWN_VOLUME, 'one');
    await world.run(destroyEnvironment(world.process(), A));
    const left = {
      volume: world.storage.dataOf(OWN_VOLUME),
      snapshots: (await snapshotsOf(world)).map(({ kind }) => kind),
    };
    const expected = {
      delete: { volume: undefined, snapshots: [] },
      retain: { volume: 'one', snapshots: [] },
      snapshot: { volume: undefined, snapshots: ['destroy'] },
    };
    expect(left).toEqual(expected[onDestroy as keyof typeof expected]);
  });

  test('not when its snapshot fails: then nothing is', async () => {
    const world = await shopOf({ onDestroy: 'snapshot' });
    world.storage.write(OWN_VOLUME, 'one');
    world.storage.onCopy = () => {
      throw new ProviderError('quota', 'no space left');
    };
    const error = await failure(world.run(destroyEnvironment(world.process(), A)));
    expect([error.code, error.message]).toEqual(['internal', expect.stringContaining('no space left')]);
    expect(await world.environmentDocument(A)).toMatchObject({ phase: 'ready' });
    expect([world.cloud.running.has(`${A}-1`), world.storage.dataOf(OWN_VOLUME)]).toEqual([true, 'one']);
    world.storage.onCopy = () => {};
    await world.run(destroyEnvironment(world.process(), A));
    expect(world.storage.volumes.has(OWN_VOLUME)).toBe(false);
  });

  test('never when a person keeps it', async () => {
    const world = await shopOf();
    await world.run(retain(world.process(), OWN_VOLUME, { keep: true }));
    await world.run(destroyEnvironment(world.process(), A));
    expect(await volumeOf(world, OWN_VOLUME)).toMatchObject({ phase: 'ready' });
    expect(world.storage.volumes.has(OWN_VOLUME)).toBe(true);
  });
});

describe('a slot', () => {
  test('goes on with its volume over promotions, and environments beside it have their own', async () => {
    const world = await servingShop();
    await world.run(promote(world.process(), { slot: 'master', environment: B }));
    const head = await world.environmentDocument((await world.slot()).head ?? '');
    expect(head.spec?.services.db?.mounts.data?.volume.id).toBe(SLOT_VOLUME);
    expect(world.storage.dataOf(SLOT_VOLUME)).toBe('orders');
    const [own] = (await volumesOf(world)).filter(({ id }) => id === OWN_VOLUME);
    expect(own).toMatchObject({ scope: 'env', onDestroy: 'delete' });
  });
});

describe('a verification', () => {
  const VERIFIED = { backup: { every: '1h', keep: '1d', verify: 'node check.js' } };
  test('runs the check command in a copy of the service on what was restored, and leaves nothing', async () => {
    const world = await shopOf(VERIFIED);
    world.storage.write(OWN_VOLUME, 'one');
    await taken(world, 'first');
    const seen: (string | undefined)[] = [];
    world.cloud.exec = (id, command) => {
      const spec = world.cloud.running.get(id);
      seen.push(command.join(' '), world.storage.dataOf(spec?.services.db?.mounts.data?.volume.id ?? ''));
      return { code: 0, says: 'fine' };
    };
    const [found] = await world.run(verify(world.process(), 'first'));
    expect([found?.isGood, seen]).toEqual([true, ['node check.js', 'one']]);
    expect(
      [...world.storage.volumes.keys(), ...world.cloud.running.keys()].filter((id) => !/^[abc]{12}/.test(id)),
    ).toEqual([]);
    expect((await volumesOf(world)).some(({ isScratch }) => isScratch)).toBe(false);
  });

  test('of what nothing runs on any more is done in what another environment runs', async () => {
    const world = await shopOf(VERIFIED);
    world.storage.write(OWN_VOLUME, 'one');
    await taken(world, 'first');
    await isGone(world, A);
    const ran: string[] = [];
    world.cloud.exec = (id) => {
      const spec = world.cloud.running.get(id);
      ran.push(world.storage.dataOf(spec?.services.db?.mounts.data?.volume.id ?? '') ?? '');
      return { code: 0 };
    };
    const [found] = await world.run(verify(world.process(), 'first'));
    expect([found?.isGood, found?.message, ran]).toEqual([true, expect.stringMatching(/ended with 0/), ['one']]);
  });

  test('that can not run its check calls nothing good, and nothing bad', async () => {
    const world = await shopOf(VERIFIED);
    await taken(world, 'first');
    for (const id of [A, B, C]) await isGone(world, id);
    expect(await failure(world.run(verify(world.process(), 'first')))).toMatchObject({
      code: 'conflict',
      detail: { hint: expect.stringContaining('env create') },
    });
    expect((await snapshotsOf(world)).map(({ verified }) => verified)).toEqual([undefined]);
    expect((await volumesOf(world)).some(({ isScratch }) => isScratch)).toBe(false);
  });

  test.each(['damage', 'a check that fails'])('finds %s, and from then on nobody restores it', async (how) => {
    const world = await shopOf(VERIFIED);
    await taken(world, 'first');
    if (how === 'damage') world.storage.damage('first');
    else world.cloud.exec = () => ({ code: 1, says: 'table orders is broken' });
    const [found] = await world.run(verify(world.process(), 'first'));
    expect(found?.isGood).toBe(false);
    expect(await failure(world.run(restore(world.process(), { snapshot: 'first' })))).toMatchObject({
      code: 'damaged',
    });
    expect((await volumesOf(world)).some(({ isScratch }) => isScratch)).toBe(false);
  });
});

/** As a destroy leaves it, but for its volumes. */
async function isGone(world: World, id: string): Promise<void> {
  world.cloud.running.delete(`${id}-1`);
  await world.documents.environments.update(
    id,
    ({ spec: _spec, environment: _environment, config: _config, ...kept }) => ({ ...kept, phase: 'gone' }),
    testCall(),
  );
}
