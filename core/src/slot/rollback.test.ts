import { describe, expect, test } from '@jest/globals';
import { collectPins } from './collect.ts';
import { promote } from './promote.ts';
import { rollback } from './rollback.ts';
import { approve, adopt, repair, unpin } from './upkeep.ts';
import { showSlot } from './show.ts';
import { planPromotion, planRollback } from './plan.ts';
import type { Deal } from './testing/deal.ts';
import { World } from './testing/world.ts';
import { destroyEnvironment } from '../environment/destroy.ts';
import { hasEnded } from '../engine/ownership.ts';
import { ProviderError } from '../provider/error.ts';
import { testCall } from '../state/testing/call.ts';

const [A = '', B = '', C = '', D = ''] = Array.from('abcd', (letter) => letter.repeat(12));

async function worldWith(
  letters: string,
  slots: object = { master: { standbys: 2 } },
  services: object = {},
): Promise<World> {
  const world = new World();
  for (const letter of letters) await world.environment(letter, slots, services);
  return world;
}
async function promoted(world: World, ...environments: string[]): Promise<void> {
  for (const environment of environments) await world.run(promote(world.process(), { slot: 'master', environment }));
}
const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

test('a standby that is not healthy stops it, and the next one is offered', async () => {
  const world = await worldWith('abc');
  await promoted(world, A, B, C);
  world.cloud.sick.set(`${B}-1`, () => 'ill');
  const before = await world.slot();
  const error = await world.run(failure(rollback(world.process(), { slot: 'master' })));
  expect(error).toMatchObject({
    code: 'unhealthy',
    detail: { hint: `clusternator rollback master --to master.2 goes to ${A}` },
  });
  expect(await world.slot()).toEqual(before);
  await world.run(rollback(world.process(), { slot: 'master', to: 'master.2' }));
  expect(await world.slot()).toMatchObject({ head: A, standbys: [], rejected: [{ environment: C }] });
});

test('environments that answer elsewhere than when they were last seen are asked there', async () => {
  const world = await worldWith('ab');
  await promoted(world, A, B);
  world.cloud.urlOf = (id) => `http://${id}.test:7411`;
  world.status = (_, __, port) => (port === '7411' ? 200 : 503);
  await world.run(rollback(world.process(), { slot: 'master' }));
  expect(await world.slot()).toMatchObject({ head: A });
});

test('a standby that is smaller than a head has to be is made larger by a rollback, and by no plan of one', async () => {
  const world = await worldWith('ab', undefined, {
    web: { command: 'node server.js', port: 80, route: '/', instances: 2 },
  });
  await promoted(world, A, B);
  world.cloud.scaled.set(`${A}-1`, { web: { min: 1, max: 1 } });
  // As one is that was scaled to none.
  world.cloud.sick.set(`${A}-1`, () => (world.cloud.scaled.get(`${A}-1`)?.web?.min === 1 ? 'too small' : undefined));
  expect(await world.run(planRollback(world.process(), { slot: 'master' }))).not.toHaveProperty('refused');
  expect(world.cloud.scaled.get(`${A}-1`)).toEqual({ web: { min: 1, max: 1 } });
  await world.run(rollback(world.process(), { slot: 'master' }));
  expect(world.cloud.scaled.get(`${A}-1`)).toMatchObject({ web: { min: 2 } });
  expect(await world.slot()).toMatchObject({ head: A });
});

describe('the host names of the release that it goes back to', () => {
  const [OLD, NEW] = ['old.example.test', 'www.example.test'];
  const named = async (): Promise<World> => {
    const world = new World();
    await world.environment('a', { master: { host: OLD } });
    await world.environment('b', { master: { host: NEW } });
    await promoted(world, A, B);
    return world;
  };

  test('come back with it, by a person and by a bake that turns back', async () => {
    const world = await named();
    expect(world.cloud.slots.get('master')?.spec.hosts).toContain(NEW);
    await world.run(rollback(world.process(), { slot: 'master' }));
    expect(world.cloud.slots.get('master')?.spec.hosts).toEqual(expect.arrayContaining([OLD]));
    expect(world.cloud.slots.get('master')?.spec.hosts).not.toContain(NEW);
    expect((await world.slot()).spec?.hosts).toEqual(world.cloud.slots.get('master')?.spec.hosts);

    const baking = failure(promote(world.process(), { slot: 'master', environment: B, bakeSeconds: 60 }));
    await world.clock.pass(5);
    expect(world.cloud.slots.get('master')?.spec.hosts).toContain(NEW);
    world.cloud.sick.set(`${B}-1`, () => 'ill');
    expect(await world.run(baking)).toMatchObject({ code: 'reverted' });
    expect(world.cloud.live('master')).toEqual([`${A}-1`]);
    expect(world.cloud.slots.get('master')?.spec.hosts).toContain(OLD);
  });

  test('that can not be had are told, and the traffic is back all the same', async () => {
    const world = await named();
    const refused: Deal = async (what, act) => {
      if (what === 'ensure slot') throw new ProviderError('denied', 'the router refuses');
      return Promise.resolve(act());
    };
    const { warnings } = await world.run(rollback(world.process(refused), { slot: 'master' }));
    expect(warnings).toEqual([expect.stringContaining('keeps the host names of the release that it leaves')]);
    expect(world.cloud.live('master')).toEqual([`${A}-1`]);
  });
});

test('what a rollback goes past is no standby any more: the next one goes further back, never to a newer one', async () => {
  const world = await worldWith('abcd', { master: { standbys: 3 } });
  await promoted(world, A, B, C, D);
  const plan = await world.run(planRollback(world.process(), { slot: 'master', to: 'master.2' }));
  expect(plan.changes).toMatchObject([
    { action: 'change' },
    { action: 'destroy', what: `standby ${C}, an hour later` },
  ]);
  await world.run(rollback(world.process(), { slot: 'master', to: 'master.2' }));
  expect(await world.slot()).toMatchObject({ head: B, standbys: [A], rejected: [{ environment: D }] });
  const { draining } = await world.run(showSlot(world.process(), 'master', []));
  expect(draining).toMatchObject([{ environment: C }]);
  expect((await world.environmentDocument(C)).pins).toHaveProperty('master');
  await world.run(rollback(world.process(), { slot: 'master' }));
  expect(await world.slot()).toMatchObject({ head: A, standbys: [] });
  world.clock.jump(3601);
  await world.run(collectPins(world.process()));
  expect(await world.slot()).toMatchObject({ draining: [] });
  expect((await world.environmentDocument(C)).pins).toEqual({});
});

test('two people who roll back the same release go back once', async () => {
  const world = await worldWith('abc');
  await promoted(world, A, B, C);
  const ends = await world.run(Promise.allSettled([1, 2].map(() => rollback(world.process(), { slot: 'master' }))));
  expect(ends.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  expect(await world.slot()).toMatchObject({ head: B, generation: 4 });
});

test('it preempts a promotion in flight: the head stays, and the promotion stops', async () => {
  const world = await worldWith('abc', { master: { stages: '10@1h,100' } });
  await promoted(world, A);
  const promotion = failure(promote(world.process(), { slot: 'master', environment: B }));
  await world.clock.pass(20);
  expect(world.cloud.live('master')).toEqual([`${B}-1`, `${A}-1`]);
  await world.run(rollback(world.process(), { slot: 'master' }));
  expect(world.cloud.live('master')).toEqual([`${A}-1`]);
  expect(await world.run(promotion)).toMatchObject({ code: 'superseded' });
  expect(await world.slot()).toMatchObject({ head: A, generation: 1, rejected: [{ environment: B }] });
});

test('an environment that a slot uses is not destroyed, and what was rejected goes after an hour', async () => {
  const world = await worldWith('abc');
  await promoted(world, A, B);
  await world.run(rollback(world.process(), { slot: 'master' }));
  for (const id of [A, B]) {
    expect(await world.run(failure(destroyEnvironment(world.process(), id)))).toMatchObject({ code: 'refused' });
  }
  world.clock.jump(3601);
  await world.run(collectPins(world.process()));
  expect(await world.slot()).toMatchObject({ head: A, rejected: [] });
  await world.run(destroyEnvironment(world.process(), B));
  expect(world.cloud.running.has(`${B}-1`)).toBe(false);
});

test('what runs on the head alone follows the head', async () => {
  const worker = { worker: { command: 'node worker.js', runOn: 'head' } };
  const world = await worldWith('ab', { master: {} }, worker);
  await promoted(world, A, B);
  expect(world.cloud.scaled.get(`${A}-1`)).toEqual({ worker: { min: 0, max: 0 } });
  expect(world.cloud.scaled.get(`${B}-1`)).toEqual({ worker: { min: 1, max: 1 } });
  await world.run(rollback(world.process(), { slot: 'master' }));
  expect(world.cloud.scaled.get(`${A}-1`)).toEqual({ worker: { min: 1, max: 1 } });
  expect(world.cloud.scaled.get(`${B}-1`)).toEqual({ worker: { min: 0, max: 0 } });
});

test('a standby is asked for its health as its own release says', async () => {
  const world = new World();
  await world.environment('a', { master: { health: '/own' } });
  await world.environment('b', { master: {} });
  await promoted(world, A, B);
  const asked = new Set<string>();
  world.status = (host, path) => {
    asked.add(`${host.charAt(0)} ${path}`);
    return 200;
  };
  await world.run(rollback(world.process(), { slot: 'master' }));
  expect(asked).toEqual(new Set(['a /own']));
});

test('what was rolled back is promoted by no program, pinned or not', async () => {
  const world = await worldWith('ab');
  await promoted(world, A, B);
  await world.run(rollback(world.process(), { slot: 'master' }));
  await unpin(world.process(), 'master');
  const again = { slot: 'master', environment: B, automatic: true, allowOlder: true };
  await expect(world.run(promote(world.process(), again))).rejects.toMatchObject({ code: 'refused' });
  expect(await world.slot()).toMatchObject({ head: A, rejected: [{ environment: B }] });
});

test('nothing is routed before it is approved', async () => {
  const world = await worldWith('ab', { master: { approval: '1h' } });
  const promotion = promote(world.process(), { slot: 'master', environment: A });
  await world.clock.pass(100);
  expect(world.cloud.live('master')).toEqual([]);
  expect(await world.run(showSlot(world.process(), 'master', []))).toMatchObject({ state: 'approval' });
  await world.run(approve(world.process(), 'master', { by: 'bea' }));
  await world.run(promotion);
  expect(world.cloud.live('master')).toEqual([`${A}-1`]);
  const before = await world.slot();
  const late = failure(promote(world.process(), { slot: 'master', environment: B }));
  await world.clock.pass(3700);
  // It has ended: exit 7, not 9, which says that it goes on.
  expect(await world.run(late)).toMatchObject({ code: 'refused', detail: { effect: 'none' } });
  expect(await world.slot()).toEqual({ ...before, epoch: before.epoch + 1 });
  expect((await world.environmentDocument(B)).pins).toEqual({});
  for await (const { document } of world.documents.operations.list(testCall())) expect(hasEnded(document)).toBe(true);
});

test('a slot with settings of its own gets an environment of its own, of the same artefacts', async () => {
  const world = await worldWith('ab', { master: { env: { MODE: 'live' } } });
  await promoted(world, A);
  const { head = '' } = await world.slot();
  expect(head).toMatch(/^a{12}@master\.[0-9a-f]{6}$/);
  const own = await world.environmentDocument(head);
  const source = await world.environmentDocument(A);
  expect(own.spec?.services.web?.artefact).toEqual(source.spec?.services.web?.artefact);
  expect([...world.keptDigests.values()]).toEqual([[`tree-${source.commit}`]]);
  expect(own.spec?.services.web?.env.MODE).toBe('live');
  expect(own.pins).toHaveProperty('master');
  expect(source.pins).toEqual({});
});

test('an automatic promotion waits for its turn, and a newer one takes its place', async () => {
  const world = await worldWith('abcd', { master: { bake: '60s', standbys: 3 } });
  await promoted(world, A);
  const automatic = { slot: 'master', automatic: true, allowOlder: true };
  const first = promote(world.process(), { slot: 'master', environment: B });
  await world.clock.pass(5);
  const older = failure(promote(world.process(), { ...automatic, environment: C }));
  await world.clock.pass(5);
  const newer = promote(world.process(), { ...automatic, environment: D });
  expect(await world.run(older)).toMatchObject({ code: 'superseded' });
  await world.run(first);
  await world.run(newer);
  expect(await world.slot()).toMatchObject({ head: D, standbys: [B, A] });
});

test('an automatic promotion that died while it waited is not shown as the next, and gc takes it out', async () => {
  const world = await worldWith('abc', { master: { bake: '60s' } });
  await promoted(world, A);
  const first = promote(world.process(), { slot: 'master', environment: B });
  await world.clock.pass(5);
  const dying = world.process((what, act) =>
    world.liveness.has(dying.operations.identity.pid) ? new Promise(() => {}) : Promise.resolve(act()),
  );
  void promote(dying, { slot: 'master', environment: C, automatic: true, allowOlder: true });
  await world.clock.pass(5);
  const show = () => world.run(showSlot(world.process(), 'master', []));
  expect(await show()).toMatchObject({ queued: { environment: C } });
  world.liveness.set(dying.operations.identity.pid, 'dead');
  expect(await show()).not.toHaveProperty('queued');
  await world.run(collectPins(world.process()));
  expect((await world.documents.queues.get('master', testCall()))?.document.waiting).toBeUndefined();
  await world.run(first);
  expect(await world.slot()).toMatchObject({ head: B });
});

test('drift is shown from both sides; adopt takes it, repair writes ours again', async () => {
  const world = await worldWith('abc');
  await promoted(world, A);
  world.cloud.write('master', [{ handle: { id: `${C}-1` }, percent: 100 }], 'x');
  expect(await world.run(showSlot(world.process(), 'master', []))).toMatchObject({
    drift: { expected: [{ environment: A }], found: [{ environment: C }] },
  });
  await world.run(adopt(world.process(), 'master', { reason: 'it is good' }));
  expect(await world.slot()).toMatchObject({ head: C, standbys: [A], generation: 2, release: { kind: 'adopt' } });
  world.cloud.write('master', [{ handle: { id: 'unknown' }, percent: 100 }], 'x');
  expect(await world.run(failure(adopt(world.process(), 'master', {})))).toMatchObject({ code: 'not-found' });
  await world.run(repair(world.process(), 'master'));
  expect(world.cloud.live('master')).toEqual([`${C}-1`]);
});

test('plans change nothing, and say why it would be refused', async () => {
  const world = await worldWith('ab');
  await promoted(world, A);
  const before = await world.slot();
  const plan = await world.run(planPromotion(world.process(), { slot: 'master', environment: B }));
  expect(plan).toMatchObject({
    interruptsSeconds: 0,
    changes: [{ action: 'change', what: `slot master: ${A} → ${B}` }],
  });
  const error = await world.run(failure(planRollback(world.process(), { slot: 'master' })));
  expect(ProviderError.is(error) && error.code).toBe('refused');
  expect(await world.slot()).toEqual(before);
});

test('a metric that does not come never passes', async () => {
  const metrics = [{ name: 'errors', url: 'http://metrics.test/{environment}', max: 1 }];
  const world = await worldWith('ab', { master: { bake: '30s', metrics } });
  await promoted(world, A).catch(() => undefined); // nothing to go back to: it stays, with a warning
  const error = await world.run(failure(promote(world.process(), { slot: 'master', environment: B })));
  expect(error).toMatchObject({ code: 'reverted' });
  expect(String(error)).toContain('errors');
  expect(await world.slot()).toMatchObject({ head: A });
});

test('a promotion that was not waited for is claimed, and goes on when it is resumed', async () => {
  const world = await worldWith('ab');
  await promoted(world, A);
  const session = world.process();
  const { operation } = await world.run(promote(session, { slot: 'master', environment: B, wait: false }));
  expect(await world.slot()).toMatchObject({ head: A, to: B, kind: 'promote' });
  const { resumeOperation } = await import('../engine/operation.ts');
  const other = world.process();
  await world.run(resumeOperation(other.operations, operation).then((run) => other.carryOn(run)));
  expect(await world.slot()).toMatchObject({ head: B, standbys: [A] });
});
