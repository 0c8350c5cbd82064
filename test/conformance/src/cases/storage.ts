import assert from 'node:assert/strict';
import type { Environment, Snapshot, Volume } from '@clusternator/core';
import type { Case } from '../kit/case.ts';
import { codeOf, errorOf, must, type Trial } from '../kit/trial.ts';

const FILE = '/data/kit.txt';
const base = {
  drivers: ['environments', 'storage'],
  needs: ['storage.files', 'environments.processes'],
} as const;
const snapshots = { ...base, needs: [...base.needs, 'storage.snapshots'] } as const;

export const storageCases: readonly Case[] = [
  {
    ...base,
    id: 'storage/what-is-written-is-there-for-the-next',
    number: 72,
    title: 'What is written is there after a restart, a promotion and a rollback',
    needs: [...base.needs, 'slots.router'],
    drivers: ['environments', 'storage', 'slots'],
    async run(t) {
      const volume = await t.main.make('volumes', t.specs.volume('v1'));
      const [first, second] = [await mounted(t, 'a1', volume), await mounted(t, 'a2', volume)];
      const slots = await t.main.slots();
      let slot = await t.main.make('slots', t.specs.slot('s1'));
      const url = t.urlOf(slot, t.specs.slot('s1'));
      for (const [turn, { handle }] of [first, second, first].entries()) {
        slot = await t.main.call('slots.route', String(turn), (call) =>
          slots.route(slot, [{ handle, percent: 100 }], `e${String(turn)}`, call),
        );
        if (turn > 0) assert.equal(await read(t, url), String(turn - 1), 'what the head before wrote');
        await write(t, url, String(turn));
      }
      await t.main.make('volumes', t.specs.volume('v1'));
      assert.equal(await read(t, url), '2', 'after another ensure');
    },
  },
  {
    ...snapshots,
    id: 'storage/a-snapshot-is-not-changed-by-later-writes',
    number: 73,
    title: 'A snapshot holds what was there, whatever is written later',
    async run(t) {
      const { volume, url } = await scene(t);
      await write(t, url, 'before');
      const snapshot = await t.main.make('snapshots', t.specs.snapshot('p1', volume));
      await write(t, url, 'after');
      const restored = await t.main.make('volumes', t.specs.volume('v2', { from: { snapshot } }));
      const other = await mounted(t, 'a2', restored);
      assert.equal(await read(t, t.urlOf(other, t.specs.environment('a2'))), 'before');
      assert.equal(await read(t, url), 'after');
    },
  },
  {
    ...snapshots,
    id: 'storage/a-snapshots-name-is-taken-once',
    number: 74,
    title: 'The same snapshot of the same source is the same; of another source it comes back untouched',
    async run(t) {
      const { volume } = await scene(t);
      const first = await t.main.make('snapshots', t.specs.snapshot('p1', volume));
      const again = await t.main.make('snapshots', t.specs.snapshot('p1', volume));
      assert.deepEqual([again.handle, again.takenAt], [first.handle, first.takenAt]);
      const other = await t.main.make('volumes', t.specs.volume('v2'));
      const found = await t.main.make('snapshots', t.specs.snapshot('p1', other));
      assert.equal(found.volume, volume.id, 'of the first source');
      if (found.fingerprint !== undefined)
        assert.equal(found.fingerprint, first.fingerprint, 'which tells core that it is another');
      assert.equal((await t.main.list('snapshots')).length, 1);
    },
  },
  {
    ...snapshots,
    id: 'storage/a-restore-is-a-new-volume',
    number: 75,
    title: 'A restore makes a new volume, and never overwrites one',
    async run(t) {
      const { volume, url } = await scene(t);
      await write(t, url, 'old');
      const snapshot = await t.main.make('snapshots', t.specs.snapshot('p1', volume));
      await write(t, url, 'new');
      const restored = await t.main.make('volumes', t.specs.volume('v2', { from: { snapshot } }));
      assert.notDeepEqual(restored.handle, volume.handle);
      // Under the name of one that is there already.
      await errorOf(t.main.make('volumes', t.specs.volume('v1', { from: { snapshot } })));
      assert.equal(await read(t, url), 'new');
    },
  },
  {
    ...snapshots,
    id: 'storage/a-failed-restore-leaves-nothing',
    number: 76,
    title: 'A restore from what is gone fails, and leaves nothing',
    async run(t) {
      const { volume } = await scene(t);
      const snapshot = await t.main.make('snapshots', t.specs.snapshot('p1', volume));
      await t.main.remove('snapshots', snapshot);
      const spec = t.specs.volume('v2', { from: { snapshot } });
      const made = t.main
        .make('volumes', spec)
        .then((it) => assert.notEqual(it.phase, 'active', 'restored from nothing'));
      assert.notEqual(await codeOf(made), 'nothing was thrown');
      await t.main.remove('volumes', spec);
      assert.deepEqual(
        (await t.main.list('volumes')).map(({ id }) => id),
        ['v1'],
      );
    },
  },
  {
    ...snapshots,
    id: 'storage/a-snapshot-that-fails-is-told',
    number: 77,
    title: 'A snapshot that was refused is an error, so that what waits for it deletes nothing',
    uses: ['wire', 'refusals'],
    async run(t) {
      const { volume, url } = await scene(t);
      await write(t, url, 'kept');
      const lift = t.wire.onMutations({ kind: 'refuse', refusal: t.refusal('denied'), after: false });
      assert.equal(await codeOf(t.main.make('snapshots', t.specs.snapshot('p1', volume))), 'denied');
      lift();
      assert.equal(await t.main.read('snapshots', { id: 'p1' }), undefined);
      assert.equal(await read(t, url), 'kept');
    },
  },
  {
    ...base,
    id: 'storage/volumes-of-every-scope-are-apart',
    number: 78,
    title: 'Volumes of an environment, a slot and the project are three',
    async run(t) {
      const ids = ['data-env-aaaaaaaaaaaa-1', 'data-slot-master', 'data-project'];
      const urls: string[] = [];
      for (const [at, id] of ids.entries()) {
        const environment = await mounted(t, `a${String(at)}`, await t.main.make('volumes', t.specs.volume(id)));
        const url = t.urlOf(environment, t.specs.environment(environment.id));
        urls.push(url);
        await write(t, url, id);
      }
      assert.deepEqual(await Promise.all(urls.map((url) => read(t, url))), ids);
      assert.deepEqual((await t.main.list('volumes')).map(({ id }) => id).sort(), [...ids].sort());
    },
  },
  {
    ...snapshots,
    id: 'storage/snapshots-expire-one-by-one',
    number: 79,
    title: 'Snapshots tell when they were taken, and the removal of one leaves the others and their volume',
    async run(t) {
      const { volume, url } = await scene(t);
      await write(t, url, 'data');
      const taken: Snapshot[] = [];
      for (const id of ['p1', 'p2', 'p3']) taken.push(await t.main.make('snapshots', t.specs.snapshot(id, volume)));
      const times = taken.map(({ takenAt }) => takenAt.getTime());
      assert.deepEqual(
        times,
        [...times].sort((a, b) => a - b),
        'in the order in which they were taken',
      );
      assert.ok(
        times.every((time) => Math.abs(time - t.clock.now().getTime()) < 3_600_000),
        'about now',
      );
      await t.main.remove('snapshots', must(taken[0], 'the first'));
      assert.deepEqual((await t.main.list('snapshots')).map(({ id }) => id).sort(), ['p2', 'p3']);
      assert.equal(await read(t, url), 'data');
    },
  },
  {
    ...base,
    id: 'storage/a-clone-is-independent',
    number: 80,
    title: 'A clone and its source change each for itself',
    needs: [...base.needs, 'storage.clone'],
    async run(t) {
      const { volume, url } = await scene(t);
      await write(t, url, 'source');
      const clone = await t.main.make('volumes', t.specs.volume('v2', { from: { volume } }));
      const other = t.urlOf(await mounted(t, 'a2', clone), t.specs.environment('a2'));
      assert.equal(await read(t, other), 'source');
      await write(t, other, 'clone');
      assert.equal(await read(t, url), 'source');
      await write(t, url, 'changed');
      assert.equal(await read(t, other), 'clone');
    },
  },
  {
    ...snapshots,
    id: 'storage/snapshots-outlive-their-volume',
    number: 4,
    title: 'A snapshot outlives its volume',
    needs: [...snapshots.needs, 'storage.durableSnapshots'],
    async run(t) {
      const { volume, url, environment } = await scene(t);
      await write(t, url, 'data');
      const snapshot = await t.main.make('snapshots', t.specs.snapshot('p1', volume));
      await t.main.remove('environments', environment);
      await t.main.remove('volumes', volume);
      const restored = await t.main.make('volumes', t.specs.volume('v2', { from: { snapshot } }));
      const other = await mounted(t, 'a2', restored);
      assert.equal(await read(t, t.urlOf(other, t.specs.environment('a2'))), 'data');
    },
  },
  {
    ...base,
    id: 'storage/a-volume-grows-in-place',
    number: 4,
    title: 'A volume grows while it is mounted',
    needs: [...base.needs, 'storage.grow'],
    async run(t) {
      const { url } = await scene(t);
      await write(t, url, 'data');
      const grown = await t.main.make('volumes', t.specs.volume('v1', { sizeGiB: 2 }));
      assert.equal(grown.sizeGiB, 2);
      assert.equal((await t.main.read('volumes', grown))?.sizeGiB, 2);
      assert.equal(await read(t, url), 'data');
    },
  },
  {
    ...base,
    id: 'storage/a-disk-keeps-what-is-written',
    number: 4,
    title: 'A disk is a disk, and keeps what one instance writes',
    needs: ['storage.disks', 'environments.processes'],
    async run(t) {
      const spec = t.specs.volume('v1', { kind: 'disk' });
      const volume = await t.main.make('volumes', spec);
      assert.equal(volume.kind, 'disk');
      const first = await mounted(t, 'a1', volume);
      await write(t, t.urlOf(first, t.specs.environment('a1')), 'data');
      await t.main.remove('environments', first);
      const second = await mounted(t, 'a2', volume);
      assert.equal(await read(t, t.urlOf(second, t.specs.environment('a2'))), 'data');
    },
  },
];

async function scene(
  t: Trial,
): Promise<{ readonly volume: Volume; readonly environment: Environment; readonly url: string }> {
  const volume = await t.main.make('volumes', t.specs.volume('v1'));
  const environment = await mounted(t, 'a1', volume);
  return { volume, environment, url: t.urlOf(environment, t.specs.environment('a1')) };
}

function mounted(t: Trial, id: string, volume: Volume): Promise<Environment> {
  const web = t.specs.service(id, { mounts: { '/data': { volume, readOnly: false } } });
  return t.environment(id, { services: { web } });
}

async function write(t: Trial, url: string, text: string): Promise<void> {
  assert.equal((await t.get(url, { do: 'write', file: FILE, text })).text, 'written');
}

async function read(t: Trial, url: string): Promise<string> {
  return (await t.get(url, { do: 'read', file: FILE })).text;
}
