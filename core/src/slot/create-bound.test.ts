import { expect, test } from '@jest/globals';
import { resumeOperation } from '../engine/operation.ts';
import { destroyEnvironment } from '../environment/destroy.ts';
import { collectGarbage } from '../environment/gc.ts';
import { resourceIdOf } from '../environment/life.ts';
import type { RecordSet } from '../dns/dns.ts';
import type { CreateResult } from '../host/project.ts';
import type { Session } from '../host/session.ts';
import { testCall } from '../state/testing/call.ts';
import { collectPins } from './collect.ts';
import { makeAhead } from './create-bound.ts';
import { promote } from './promote.ts';
import { checkAtRest, watchWorld } from './testing/invariants.ts';
import type { Deal } from './testing/deal.ts';
import { Mortal, type Death } from './testing/mortal.ts';
import { World } from './testing/world.ts';

const [A = '', B = ''] = Array.from('ab', (letter) => letter.repeat(12));
const SLOT = { env: { MODE: 'live' }, standbys: 0, drain: { requests: '0s', ws: '0s' } };

function recordOf(id: string, value = 'lb2.cloud.test'): RecordSet {
  return { name: `${id}.example.test`, type: 'CNAME', ttlSeconds: 60, values: [value] };
}
async function begin(): Promise<World> {
  const world = new World();
  world.cloud.recordsOf = (id) => (id.includes('master') ? [recordOf(id)] : []);
  for (const letter of 'ab') await world.environment(letter, { master: SLOT, plain: {} });
  return world;
}
async function ahead(world: World, session: Session = world.process(), ttlSeconds?: number): Promise<CreateResult> {
  const source = await world.environmentDocument(A);
  return makeAhead(session, source, 'master', { wait: true, ...(ttlSeconds !== undefined && { ttlSeconds }) });
}
const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: unknown) => error,
  );
function counting(made: string[]): Deal {
  return async (what, act) => {
    if (what === 'ensure environment') made.push(what);
    return act();
  };
}

test('what was made ahead is what the promotion takes: nothing is made again', async () => {
  const world = await begin();
  const { environment, existed } = await world.run(ahead(world));
  expect(environment).toMatchObject({
    id: expect.stringMatching(/^a{12}@master\.[0-9a-f]{6}$/),
    phase: 'ready',
    pins: [],
  });
  expect(existed).toBe(false);
  expect(await world.slotOrNone('master')).toBeUndefined();
  expect((await world.run(ahead(world))).existed).toBe(true);
  const made: string[] = [];
  await world.run(promote(world.process(counting(made)), { slot: 'master', environment: A }));
  expect(made).toEqual([]);
  expect(await world.slot()).toMatchObject({ head: environment.id });
  expect(await checkAtRest(world)).toEqual([]);
});

test('its names are led to it before it has to answer, also where it comes to be elsewhere, and go with it', async () => {
  const world = await begin();
  const asked: string[] = [];
  const session = world.process(async (what, act) => {
    asked.push(what);
    if (what !== 'ensure environment') return act();
    const isFirst = asked.filter((one) => one === what).length === 1;
    world.cloud.recordsOf = (id) => [recordOf(id, isFirst ? 'lb3.cloud.test' : 'lb2.cloud.test')];
    const made = await act();
    return isFirst ? { ...made, phase: 'creating' } : made;
  });
  const { environment } = await world.run(ahead(world, session));
  const { records } = await world.environmentDocument(environment.id);
  expect(world.dns.sets).toMatchObject([{ values: ['lb2.cloud.test'] }]);
  expect(records).toEqual(world.dns.sets);
  expect(asked.lastIndexOf('route (dns)')).toBeLessThan(asked.indexOf('health'));
  expect(asked.filter((one) => one === 'route (dns)')).toHaveLength(2);
  await world.run(destroyEnvironment(world.process(), environment.id));
  expect(world.dns.sets).toEqual([]);
  expect((await world.environmentDocument(environment.id)).records).toBeUndefined();
});

test('a record of somebody else is left, and told', async () => {
  const world = await begin();
  const theirs = { ...recordOf(''), name: 'theirs.example.test', values: ['theirs.test'] };
  world.dns.sets.push(theirs);
  world.cloud.recordsOf = () => [{ ...theirs, values: ['lb2.cloud.test'] }];
  await expect(world.run(ahead(world))).rejects.toMatchObject({
    code: 'owned-by-other',
  });
  const found = await Array.fromAsync(world.documents.environments.list(testCall(), { prefix: `${A}@` }));
  for (const { document } of found) await world.run(destroyEnvironment(world.process(), document.id));
  expect(found).toHaveLength(1);
  expect(world.dns.sets).toEqual([theirs]);
});

test('gc spares it until its time is over, and takes it once its slot has let go of it', async () => {
  const world = await begin();
  const { environment } = await world.run(ahead(world, world.process(), 600));
  const gc = async (): Promise<readonly string[]> =>
    (await world.run(collectGarbage(world.process(), { dryRun: false }))).map(({ id }) => id);
  expect(await gc()).toEqual([]);
  await world.run(promote(world.process(), { slot: 'master', environment: A }));
  world.clock.jump(700);
  expect(await gc()).toEqual([]); // the slot uses it
  await world.run(promote(world.process(), { slot: 'master', environment: B }));
  world.clock.jump(61);
  expect(await gc()).toEqual([environment.id]);

  await world.run(ahead(world, world.process(), 600));
  world.clock.jump(601);
  expect(await gc()).toEqual([environment.id]);
});

test('a slot without settings of its own takes the environment as it runs, which is said', async () => {
  const world = await begin();
  const result = await makeAhead(world.process(), await world.environmentDocument(A), 'plain', { wait: true });
  expect(result).toMatchObject({ existed: true, environment: { id: A } });
  expect(result.warnings.join()).toContain('no settings of its own');
  for (const name of ['nope', '__proto__', 'constructor', '', '../plain'])
    await expect(
      makeAhead(world.process(), await world.environmentDocument(A), name, { wait: true }),
    ).rejects.toMatchObject({ code: 'not-found' });
});

test('one that is not well stays for its logs, and the next try begins anew', async () => {
  const world = await begin();
  world.status = (host) => (host.includes('master') ? 500 : 200);
  expect(await world.run(failure(ahead(world)))).toMatchObject({ code: 'unhealthy' });
  world.status = () => 200;
  const { environment } = await world.run(ahead(world));
  expect(environment).toMatchObject({ phase: 'ready' });
  expect((await world.environmentDocument(environment.id)).incarnation).toBe(2);
});

test('beside a promotion and another of its kind: one environment, which the slot serves', async () => {
  const world = await begin();
  const { problems } = watchWorld(world);
  const ends = await world.run(
    Promise.allSettled([
      ahead(world),
      promote(world.process(), { slot: 'master', environment: A }),
      ahead(world),
      ahead(world),
    ]),
  );
  expect(ends[1].status).toBe('fulfilled');
  await world.run(collectPins(world.process()));
  expect([problems, await checkAtRest(world)]).toEqual([[], []]);
  expect([...world.cloud.running.keys()].filter((id) => id.includes('master'))).toHaveLength(1);
});

test('killed at each of its dealings: resumed, or taken by the promotion, or destroyed', async () => {
  const whole = new Mortal();
  const first = await begin();
  await first.run(ahead(first, first.process(whole.deal)));
  for (let at = 0; at < whole.dealings; at++) {
    for (const death of ['before', 'after'] satisfies Death[]) {
      for (const next of ['resume', 'promote', 'again'] as const) {
        const where = `${death} ${String(at)} (${whole.names[at] ?? ''}), ${next}`;
        const world = await begin();
        const { problems } = watchWorld(world);
        const mortal = new Mortal(at, death);
        await world.run(Promise.race([failure(ahead(world, world.process(mortal.deal))), mortal.died.promise]));
        const session = world.process();
        if (next === 'promote') await world.run(promote(session, { slot: 'master', environment: A }));
        if (next === 'again') await world.run(ahead(world, session));
        for await (const { document } of world.documents.operations.list(testCall())) {
          if (document.endedAt !== undefined) continue;
          await world.run(
            failure(resumeOperation(session.operations, document.id).then((run) => session.carryOn(run))),
          );
        }
        const { environment } = await world.run(ahead(world));
        expect([where, environment.phase]).toEqual([where, 'ready']);
        if (next !== 'promote') await world.run(destroyEnvironment(session, environment.id));
        await world.run(collectPins(session));
        expect([where, problems, await checkAtRest(world)]).toEqual([where, [], []]);
        const bound = await world.environmentDocument(environment.id);
        const runs = [...world.cloud.running.keys()].filter((id) => id.includes('master'));
        expect([where, runs]).toEqual([where, next === 'promote' ? [resourceIdOf(bound)] : []]);
        expect([where, world.dns.sets]).toEqual([where, runs.map((id) => recordOf(id))]);
        for await (const { document } of world.documents.operations.list(testCall()))
          expect([where, document.kind, document.endedAt]).toEqual([where, document.kind, expect.any(String)]);
      }
    }
  }
});
