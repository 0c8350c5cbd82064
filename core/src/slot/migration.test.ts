import { expect, test } from '@jest/globals';
import { resumeOperation } from '../engine/operation.ts';
import type { Session } from '../host/session.ts';
import { yes } from '../provider/capabilities.ts';
import { ProviderError } from '../provider/error.ts';
import type { Volume } from '../storage/storage.ts';
import { testCall } from '../state/testing/call.ts';
import { collectPins } from './collect.ts';
import { promote } from './promote.ts';
import { rollback } from './rollback.ts';
import { checkAtRest, watchWorld } from './testing/invariants.ts';
import { Mortal, type Death } from './testing/mortal.ts';
import { CAPABILITIES, World } from './testing/world.ts';

const [A = '', B = '', C = '', D = ''] = Array.from('abcd', (letter) => letter.repeat(12));
const HOOKS = { service: 'web', expand: 'expand', contract: 'contract', within: '30s' };
const DATA: Volume = {
  ...{ id: 'slot-master-data', phase: 'active', handle: { id: 'slot-master-data' } },
  ...{ kind: 'files', sizeGiB: 1 },
};

/** What happened to the schema and the traffic, in order: `expand b`, `snapshot`, `→ b`. */
interface Story {
  readonly world: World;
  readonly told: string[];
}

async function begin(slot: object = {}, migrate: object = HOOKS): Promise<Story> {
  const world = new World();
  const slots = { master: { standbys: 1, drain: { requests: '0s', ws: '0s' }, ...slot, migrate } };
  const { id, kind, sizeGiB } = DATA;
  await world.volume({ id, kind, sizeGiB, fingerprint: '', tags: {} }, { name: 'data', scope: 'slot', slot: 'master' });
  for (const letter of 'abcd') await withData(world, await world.environment(letter, slots));
  const told: string[] = [];
  world.cloud.onServe = (_slot, ids) => void told.push(`→ ${ids.map((id) => id.slice(0, 1)).join('+')}`);
  world.cloud.exec = (id, command) => {
    told.push(`${command.join(' ')} ${id.slice(0, 1)}`);
    return { code: 0 };
  };
  const keep = world.storage.snapshots.set.bind(world.storage.snapshots);
  world.storage.snapshots.set = (id, snapshot) => {
    if (!world.storage.snapshots.has(id)) told.push(`snapshot of ${snapshot.spec.volume.id}`);
    return keep(id, snapshot);
  };
  return { world, told };
}

async function withData(world: World, id: string): Promise<void> {
  await world.documents.environments.update(
    id,
    (document) => {
      const { spec } = document;
      const web = spec?.services.web;
      if (!spec || !web) throw new Error('it has no web');
      const mounts = { '/data': { volume: DATA, readOnly: false } };
      return { ...document, spec: { ...spec, services: { ...spec.services, web: { ...web, mounts } } } };
    },
    testCall(),
  );
}

const to = ({ world }: Story, environment: string, session: Session = world.process()): Promise<unknown> =>
  world.run(promote(session, { slot: 'master', environment }));
const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: unknown) => error,
  );
const SNAPSHOT = 'snapshot of slot-master-data';

test('the data is kept, then the schema expands, then traffic moves; what the oldest one kept does without goes last', async () => {
  const story = await begin();
  await to(story, A);
  // Nothing older is kept: what A does without can go at once.
  expect(story.told.splice(0)).toEqual([SNAPSHOT, 'expand a', '→ a', SNAPSHOT, 'contract a']);
  await to(story, B);
  expect(story.told.splice(0)).toEqual([SNAPSHOT, 'expand b', '→ b', SNAPSHOT, 'contract a']);
  await to(story, C);
  expect(story.told.splice(0)).toEqual([SNAPSHOT, 'expand c', '→ c', SNAPSHOT, 'contract b']);
  expect(await checkAtRest(story.world)).toEqual([]);
});

test('an older commit that is promoted again is what the schema has to fit, though a newer one stands by', async () => {
  const story = await begin({ standbys: 2 });
  for (const environment of [A, B, C]) await to(story, environment);
  story.told.length = 0;
  await to(story, B);
  // A is a standby still, so what B and C do without stays.
  expect(story.told.splice(0)).toEqual([SNAPSHOT, 'expand b', '→ b', SNAPSHOT, 'contract a']);
  await to(story, D);
  await to(story, C);
  await to(story, B);
  expect(story.told.at(-1)).toBe('contract b');
});

test('without standbys a former head that still answers what it began is waited for', async () => {
  const story = await begin({ standbys: 0, drain: { requests: '30s', ws: '0s' } });
  await to(story, A);
  await to(story, B);
  expect(story.told.filter((one) => one.startsWith('contract'))).toEqual(['contract a', 'contract a']);
});

test('nothing of it runs in a rollback', async () => {
  const story = await begin();
  await to(story, A);
  await to(story, B);
  story.told.length = 0;
  await story.world.run(rollback(story.world.process(), { slot: 'master' }));
  expect(story.told).toEqual(['→ a']);
});

test('what fails before traffic moves leaves the slot as it was', async () => {
  const story = await begin();
  const { world, told } = story;
  await to(story, A);
  const before = await world.slot();
  told.length = 0;
  world.cloud.exec = () => ({ code: 3, says: 'column exists' });
  const error = await world.run(failure(promote(world.process(), { slot: 'master', environment: B })));
  expect(error).toMatchObject({
    code: 'unhealthy',
    message: expect.stringMatching(/expand of b{12} failed: it ended with 3: column exists/),
    detail: { path: 'slots.master.migrate.expand' },
  });
  expect(await world.slot()).toEqual({ ...before, epoch: before.epoch + 1 });
  expect(told).toEqual([SNAPSHOT]);
  expect((await world.environmentDocument(B)).pins).toEqual({});
});

test('one that does not end in time is told as failed, not as going on', async () => {
  const { world } = await begin({}, { service: 'web', expand: 'expand' });
  const session = world.process(async (what, act) => (what === 'exec' ? new Promise(() => undefined) : act()));
  const error = await world.run(failure(promote(session, { slot: 'master', environment: A })));
  expect(error).toMatchObject({ code: 'unhealthy', message: expect.stringContaining('not done within') });
  expect((await world.slot()).owner).toBeUndefined();
});

test('a snapshot that can’t be taken stops it before the schema is touched', async () => {
  const story = await begin();
  const { world, told } = story;
  await to(story, A);
  told.length = 0;
  const session = world.process(async (what, act) => {
    if (what === 'ensure snapshot') throw new ProviderError('quota', 'no space is left', { effect: 'none' });
    return act();
  });
  expect(await world.run(failure(promote(session, { slot: 'master', environment: B })))).toMatchObject({
    code: 'quota',
  });
  expect(told).toEqual([]);
  expect(await world.slot()).toMatchObject({ head: A, generation: 1 });
});

test('a provider without snapshots migrates all the same, and it is said', async () => {
  const story = await begin();
  const world = story.world;
  const { 'storage.snapshots': _, ...capabilities } = CAPABILITIES;
  const session = world.process();
  const bind = session.bind;
  const without: Session = { ...session, bind: async (named) => ({ ...(await bind(named)), capabilities }) };
  const { warnings } = await world.run(promote(without, { slot: 'master', environment: A }));
  expect(warnings.join()).toContain('takes no snapshots');
  expect(story.told).toEqual(['expand a', '→ a', 'contract a']);
});

test.each(['project', 'env'])(
  'a database of the scope %s is kept too, also where files have no snapshots',
  async (scope) => {
    const { world, told } = await begin();
    const api = { command: 'node api.js', needs: { orders: 'DB_HOST' } };
    const orders = { kind: 'database', engine: 'postgres:17', scope };
    const e = await world.environment('e', { master: { migrate: HOOKS } }, { api }, { orders });
    await withData(world, e);
    const capabilities = { ...CAPABILITIES, 'storage.snapshots': yes({ kinds: ['database'] }) };
    const session = world.process();
    const bind = session.bind;
    const some: Session = { ...session, bind: async (named) => ({ ...(await bind(named)), capabilities }) };
    const { warnings } = await world.run(promote(some, { slot: 'master', environment: e }));
    expect(warnings.join()).toContain('takes no snapshots of files');
    const place = scope === 'project' ? 'project-orders' : `${e}-1-orders`;
    expect(told.slice(0, 2)).toEqual([`snapshot of ${place}`, 'expand e']);
  },
);

test('a contract that fails is a warning: traffic is where it should be', async () => {
  const story = await begin();
  const { world } = story;
  world.cloud.exec = (_id, [what]) => ({ code: what === 'contract' ? 1 : 0, says: 'still in use' });
  const { warnings } = await world.run(promote(world.process(), { slot: 'master', environment: A }));
  expect(warnings.join()).toContain('still in use');
  expect(await world.slot()).toMatchObject({ head: A, generation: 1 });
  expect((await world.slot()).owner).toBeUndefined();
});

test('nothing expands before somebody approved, and what expanded has to be well still', async () => {
  const story = await begin({ approval: '1m' });
  const { world, told } = story;
  expect(await world.run(failure(promote(world.process(), { slot: 'master', environment: A })))).toMatchObject({
    code: 'refused',
  });
  expect(told).toEqual([]);

  const other = await begin();
  other.world.cloud.exec = () => {
    other.world.cloud.sick.set(`${A}-1`, () => 'can’t read the new column');
    return { code: 0 };
  };
  expect(
    await other.world.run(failure(promote(other.world.process(), { slot: 'master', environment: A }))),
  ).toMatchObject({ code: 'unhealthy' });
  expect(other.told).toEqual([SNAPSHOT]);
});

test('killed at each of its dealings: whoever goes on migrates in the same order, and never moves traffic before', async () => {
  const whole = new Mortal();
  const counting = await begin();
  await to(counting, A);
  await to(counting, B, counting.world.process(whole.deal));
  for (let at = 0; at < whole.dealings; at++) {
    for (const death of ['before', 'after'] satisfies Death[]) {
      const where = `${death} ${String(at)} (${whole.names[at] ?? ''})`;
      const story = await begin();
      const { world, told } = story;
      await to(story, A);
      const { onServe } = world.cloud;
      const { problems } = watchWorld(world);
      const watched = world.cloud.onServe;
      world.cloud.onServe = (slot, ids) => {
        watched(slot, ids);
        onServe(slot, ids);
      };
      told.length = 0;
      const mortal = new Mortal(at, death);
      const ended = failure(promote(world.process(mortal.deal), { slot: 'master', environment: B }));
      await world.run(Promise.race([ended, mortal.died.promise]));
      const session = world.process();
      for await (const { document } of world.documents.operations.list(testCall())) {
        if (document.endedAt !== undefined) continue;
        await world.run(failure(resumeOperation(session.operations, document.id).then((run) => session.carryOn(run))));
      }
      const head = (await world.slot()).head;
      if (head === A) await to(story, B);
      await world.run(collectPins(session));
      expect([where, problems, await checkAtRest(world)]).toEqual([where, [], []]);
      const expanded = told.indexOf('expand b');
      expect([where, told.indexOf(SNAPSHOT) < expanded, expanded < told.indexOf('→ b')]).toEqual([where, true, true]);
      expect([where, expanded >= 0, told.at(-1)]).toEqual([where, true, 'contract a']);
      // One before each hook, however often whoever goes on asks for it: a second promotion takes its own.
      const snapshots = told.filter((one) => one === SNAPSHOT).length;
      expect([where, head === A ? snapshots <= 3 : snapshots === 2]).toEqual([where, true]);
    }
  }
});
