import assert from 'node:assert/strict';
import type { Case } from '../kit/case.ts';
import { codeOf, type Trial } from '../kit/trial.ts';

/** What every tag's value may hold, in two values of full length. */
const ALPHABET = ['abcdefghijklmnopqrstuvwxyz0123456789_-'.padEnd(63, 'z'), '-_'.padEnd(63, '9')] as const;

export const identityCases: readonly Case[] = [
  {
    id: 'identity/what-never-existed',
    number: 41,
    title: 'What never existed is absent, and asking more of it says so',
    drivers: ['environments'],
    async run(t) {
      const driver = await t.main.environments();
      const ghost = { id: 'ghost', phase: 'active', handle: {}, parts: {} } as const;
      assert.equal(await t.main.read('environments', { id: 'ghost' }), undefined);
      assert.deepEqual(await t.main.list('environments'), []);
      await t.main.destroy('environments', { id: 'ghost' });
      const { main } = t;
      assert.equal(
        await codeOf(main.call('environments.health', 'ghost', (call) => driver.health(ghost, call))),
        'not-found',
      );
      const lines = main.call('environments.logs', 'ghost', (call) =>
        Array.fromAsync(driver.logs(ghost, { follow: false }, call)),
      );
      assert.equal(await codeOf(lines), 'not-found');
    },
  },
  {
    id: 'identity/a-slot-that-never-was-has-no-routes',
    number: 41,
    title: 'A slot that never existed has no routes to write',
    drivers: ['slots'],
    needs: ['slots.router'],
    async run(t) {
      const slots = await t.main.slots();
      const ghost = { id: 'ghost', phase: 'active', handle: {}, routes: [] } as const;
      assert.equal(
        await codeOf(t.main.call('slots.route', 'ghost', (call) => slots.route(ghost, [], 'e1', call))),
        'not-found',
      );
    },
  },
  {
    id: 'identity/what-was-removed-behind-our-back',
    number: 42,
    title: 'What somebody else removed is absent, can be destroyed, and is made again',
    drivers: ['environments', 'slots'],
    needs: ['slots.router'],
    uses: ['remove'],
    async run(t) {
      const spec = t.specs.slot('s1');
      const made = await t.main.make('slots', spec);
      await t.stranger.remove?.(t.target('slot', 's1'));
      assert.equal(await t.main.read('slots', made), undefined);
      await t.main.destroy('slots', made);
      assert.equal((await t.main.make('slots', spec)).phase, 'active');
      assert.equal((await t.main.list('slots')).length, 1);
    },
  },
  {
    id: 'identity/a-foreign-thing-of-the-same-name',
    number: 43,
    title: 'A foreign thing of the same name is left as it is',
    drivers: ['environments'],
    uses: ['plant'],
    async run(t) {
      const target = t.target('environment', 'a1');
      await t.stranger.plant?.(target);
      assert.equal(await codeOf(t.main.make('environments', t.specs.environment('a1'))), 'owned-by-other');
      assert.equal(await codeOf(t.main.destroy('environments', { id: 'a1' })), 'owned-by-other');
      assert.deepEqual(await t.main.list('environments'), []);
      assert.equal(await t.stranger.isAsPlanted?.(target), true, 'it was changed');
      await t.stranger.remove?.(target);
    },
  },
  {
    id: 'identity/tags-come-back-as-they-were-put',
    number: 44,
    title: 'Tags of the whole alphabet and length come back as they were put',
    drivers: ['slots'],
    needs: ['slots.router'],
    async run(t) {
      const spec = t.specs.slot('s1');
      const [first, second] = ALPHABET;
      const key = 'clusternator_'.padEnd(63, 'k9_');
      const tags = { ...spec.tags, clusternator_kit: first, [key]: second, clusternator_empty: '' };
      const made = await t.main.make('slots', { ...spec, tags });
      const read = await t.main.read('slots', { id: 's1' });
      if (made.tags === undefined) assert.equal(read?.tags, undefined, 'a cloud without tags');
      else assert.deepEqual([made.tags, read?.tags], [tags, tags]);
    },
  },
  {
    id: 'identity/what-others-added-survives',
    number: 45,
    title: "A stranger's tags and settings survive an update",
    drivers: ['slots'],
    needs: ['slots.router'],
    uses: ['annotate'],
    async run(t) {
      await t.main.make('slots', t.specs.slot('s1'));
      const target = t.target('slot', 's1');
      await t.stranger.annotate?.(target);
      const changed = t.specs.slot('s1', { standbyHosts: [t.specs.host('s1-1')] });
      const made = await t.main.make('slots', changed);
      assert.equal(made.fingerprint ?? changed.fingerprint, changed.fingerprint, 'it was updated');
      assert.equal(await t.stranger.isAnnotated?.(target), true, 'what was added is gone');
    },
  },
  {
    id: 'identity/long-names-never-collide',
    number: 46,
    title: 'Ids that differ in their last character alone are different things',
    drivers: ['slots'],
    needs: ['slots.router'],
    async run(t) {
      const ids = ['a', 'b'].map((last) => `${'s'.repeat(29)}${last}`);
      const made = await Promise.all(
        ids.map((id, at) =>
          t.main.make('slots', t.specs.slot(id, { hosts: [t.specs.host(`l${String(at)}`)], standbyHosts: [] })),
        ),
      );
      assert.deepEqual(made.map(({ id }) => id).sort(), ids);
      assert.deepEqual((await t.main.list('slots')).map(({ id }) => id).sort(), ids);
    },
  },
  {
    id: 'identity/two-projects-never-see-each-other',
    number: 47,
    title: 'Two projects in one account never see each other',
    drivers: ['environments'],
    async run(t) {
      const other = t.tenant('b');
      const mine = await t.environment('a1');
      const theirs = await other.make('environments', t.specsOf(other).environment('a1', t.specs.parts('theirs')));
      assert.deepEqual(await idsOf(t.main), ['a1']);
      await t.main.remove('environments', mine);
      assert.equal((await other.read('environments', theirs))?.phase, 'active');
      assert.deepEqual(await idsOf(other), ['a1']);
      assert.equal((await t.get(t.urlOf(theirs, t.specsOf(other).environment('a1')))).text, 'theirs');
      assert.deepEqual(await idsOf(t.main), []);
    },
  },
];

async function idsOf(tenant: Trial['main']): Promise<readonly string[]> {
  return (await tenant.list('environments')).map(({ id }) => id);
}
