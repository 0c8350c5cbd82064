import { beforeEach, describe, expect, test } from '@jest/globals';
import { resumeOperation } from '../engine/operation.ts';
import { resourceIdOf } from '../environment/life.ts';
import type { Session } from '../host/session.ts';
import { testCall } from '../state/testing/call.ts';
import { collectPins } from './collect.ts';
import { makeAhead } from './create-bound.ts';
import { adopt, approve, repair } from './upkeep.ts';
import { isOwned } from './moves.ts';
import { planPromotion, planRollback } from './plan.ts';
import { promote } from './promote.ts';
import { rollback } from './rollback.ts';
import { checkAtRest, checkDisksAtRest, watchWorld } from './testing/invariants.ts';
import { Mortal } from './testing/mortal.ts';
import { World } from './testing/world.ts';

const [A = '', B = '', C = ''] = Array.from('abc', (letter) => letter.repeat(12));
const DISK = 'slot-master-data';
const SLOTS = { master: { standbys: 2, drain: { requests: '0s', ws: '0s' } } };
const DB = { db: { command: 'node db.js', volumes: { data: 'data' } } };
const DATA = { data: { kind: 'disk', scope: 'slot' } };

/** Each commit has a database on a disk of the slot, and master serves a. @param later - The slots of the commits after it. */
async function serving(services: object = DB, later: object = SLOTS): Promise<World> {
  const world = new World();
  for (const letter of 'abc') await world.environment(letter, letter === 'a' ? SLOTS : later, services, DATA);
  await world.run(promote(world.process(), { slot: 'master', environment: A }));
  world.storage.write(DISK, 'orders');
  return world;
}

let world: World;
let problems: string[];
beforeEach(async () => {
  world = await serving();
  problems = watchHolders(world);
});

/** Nobody ever asks for a disk that another has, and no data is lost. */
function watchHolders(of: World): string[] {
  const seen = watchWorld(of).problems;
  of.cloud.onTwoHolders = (volume, has, wants) => seen.push(`${volume} is with ${has} when ${wants} wants it`);
  return seen;
}

/** Nothing goes on: the head alone has the disk, and its data is what it was. */
async function diskAtRest(of: World): Promise<readonly string[]> {
  const isKept = of.storage.dataOf(DISK) === 'orders';
  return [...(await checkDisksAtRest(of)), ...(isKept ? [] : ['its data is gone'])];
}

async function expectAtRest(of: World): Promise<void> {
  expect([problems, await checkAtRest(of), await diskAtRest(of)]).toEqual([[], [], []]);
}

const headOf = async (of: World): Promise<string> => (await of.slot()).head ?? '';
const promoteTo = (session: Session, environment: string) => promote(session, { slot: 'master', environment });

describe('a promotion', () => {
  test('stops what holds the disk, hands it over, and keeps the former head as a standby without it', async () => {
    const former = await headOf(world);
    const result = await world.run(promoteTo(world.process(), B));
    expect(result.slot.head?.environment).toMatch(/^b/);
    expect(result.interruptedSeconds).toBeGreaterThan(0);
    expect((await world.slot()).standbys).toEqual([former]);
    await expectAtRest(world);
  });

  test('is told before anything is done: what stops, for how long, and from what that is known', async () => {
    const former = await headOf(world);
    const plan = await world.run(planPromotion(world.process(), { slot: 'master', environment: B }));
    expect(plan).toMatchObject({
      interruption: { volumes: [DISK], from: former, parts: [{ what: 'stop' }, { what: 'attach' }, { what: 'start' }] },
    });
    expect(plan.interruptsSeconds).toBeGreaterThan(0);
    expect(world.cloud.holdersOf(DISK)).toHaveLength(1);
    await expectAtRest(world);

    const mortal = new Mortal();
    const toldAfter: number[] = [];
    const session = world.process(mortal.deal);
    const emit: Session['emit'] = (event) => {
      if (event.type === 'warning' && event.message.startsWith('zero-downtime: no')) toldAfter.push(mortal.dealings);
    };
    await world.run(promoteTo({ ...session, emit }, B));
    expect(toldAfter).toHaveLength(1);
    expect(mortal.names.slice(0, toldAfter[0])).not.toContain('put');

    // What was seen once is what is expected then.
    const next = await world.run(planRollback(world.process(), { slot: 'master' }));
    expect(next.interruption?.parts.map(({ basis }) => basis)).toEqual(Array(3).fill('as the last time'));
    expect(next.refused).toBeUndefined();
  });

  test('of what does not start leaves the slot as it was: the head has its disk again, and serves', async () => {
    const former = await headOf(world);
    const { to } = await world.run(planPromotion(world.process(), { slot: 'master', environment: B }));
    world.cloud.sick.set(`${to.environment.replaceAll(/[@.]/g, '-')}-1`, () => 'it is ill');
    await expect(world.run(promoteTo(world.process(), B))).rejects.toMatchObject({ code: 'unhealthy' });
    expect(await world.slot()).toMatchObject({ head: former, generation: 1 });
    await expectAtRest(world);
    // Once it is well it is made anew.
    world.cloud.sick.clear();
    await world.run(promoteTo(world.process(), B));
    await expectAtRest(world);
  });

  test('that turns bad while it is watched gives the disk back with the traffic', async () => {
    const former = await headOf(world);
    const bad = world.run(
      promote(world.process(), { slot: 'master', environment: B, bakeSeconds: 30 }).catch((error: unknown) => error),
    );
    world.cloud.onServe = chained(world.cloud.onServe, (_slot, [id = '']) => {
      if (id.startsWith('b')) world.cloud.sick.set(id, () => 'it is ill');
    });
    expect(await bad).toMatchObject({ code: 'reverted' });
    expect(await headOf(world)).toBe(former);
    await expectAtRest(world);
  });

  test('waits for approval with the head running', async () => {
    world = await serving(DB, { master: { ...SLOTS.master, approval: '1h' } });
    problems = watchHolders(world);
    const waiting = promoteTo(world.process(), B);
    const held: string[] = [];
    const say = (async () => {
      while ((await world.slot()).approval === undefined) await world.clock.sleep(1, new AbortController().signal);
      held.push(...world.cloud.holdersOf(DISK));
      await approve(world.process(), 'master', {});
    })();
    await world.run(Promise.all([waiting, say]));
    expect(held).toEqual([expect.stringMatching(/^a.*\/db$/)]);
    await expectAtRest(world);
  });

  test('to a standby starts it on the disk again', async () => {
    await world.run(promoteTo(world.process(), B));
    await world.run(promoteTo(world.process(), A));
    expect(await headOf(world)).toMatch(/^a/);
    await expectAtRest(world);
  });

  test('is never split between two environments', async () => {
    const stages = [
      { percent: 50, holdSeconds: 1 },
      { percent: 100, holdSeconds: 0 },
    ];
    const split = promote(world.process(), { slot: 'master', environment: B, stages });
    await expect(world.run(split)).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringMatching(/disk/),
    });
    await expectAtRest(world);
  });

  test('to a slot whose own environment was made ahead is refused there, and says what hands it over', async () => {
    const source = await world.environmentDocument(B);
    const ahead = makeAhead(world.process(), source, 'master', { wait: true });
    await expect(world.run(ahead)).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining(`${await headOf(world)} holds it`),
      detail: { hint: expect.stringContaining('promote') },
    });
    await world.run(promoteTo(world.process(), B));
    await expectAtRest(world);
  });

  test('takes along what runs on the head alone', async () => {
    world = await serving({ db: { ...DB.db, runOn: 'head' } });
    problems = watchHolders(world);
    await expectAtRest(world);
    await world.run(promoteTo(world.process(), B));
    await expectAtRest(world);
    await world.run(rollback(world.process(), { slot: 'master' }));
    await expectAtRest(world);
  });
});

describe('a rollback', () => {
  beforeEach(async () => {
    await world.run(promoteTo(world.process(), B));
  });

  test('hands the disk back, with the data as it is', async () => {
    const result = await world.run(rollback(world.process(), { slot: 'master' }));
    expect(result.slot.head?.environment).toMatch(/^a/);
    expect(result.interruptedSeconds).toBeGreaterThan(0);
    await expectAtRest(world);
  });

  test('to what is not healthy once it has the disk is refused, and the head has it again', async () => {
    const [standby = ''] = (await world.slot()).standbys;
    const resource = resourceIdOf(await world.environmentDocument(standby));
    world.cloud.sick.set(resource, () => 'it is ill');
    await expect(world.run(rollback(world.process(), { slot: 'master' }))).rejects.toMatchObject({ code: 'unhealthy' });
    expect(await world.slot()).toMatchObject({ head: expect.stringMatching(/^b/), generation: 2, rejected: [] });
    await expectAtRest(world);
  });

  test('takes the place of a promotion that has the disk already', async () => {
    let isPreempted = false;
    world.onPut = chained(world.onPut, (key, value) => {
      isPreempted ||= key === 'slot/master' && value.includes('"kind":"rollback"');
    });
    const { to } = await world.run(planPromotion(world.process(), { slot: 'master', environment: C }));
    const resource = `${to.environment.replaceAll(/[@.]/g, '-')}-1`;
    world.cloud.sick.set(resource, () => (isPreempted ? undefined : 'it is starting'));
    const promoting = promoteTo(world.process(), C).catch((error: unknown) => error);
    const rolledBack = (async () => {
      while (world.cloud.holdersOf(DISK).every((one) => !one.startsWith('c')))
        await world.clock.sleep(0.01, new AbortController().signal);
      return rollback(world.process(), { slot: 'master' });
    })();
    const [ended] = await world.run(Promise.all([promoting, rolledBack]));
    expect(ended).toMatchObject({ code: 'superseded' });
    expect(await headOf(world)).toMatch(/^b/);
    await expectAtRest(world);
  });
});

describe('what somebody stopped or routed by hand', () => {
  test('is put right by repair: the head has its disk, and runs', async () => {
    await world.run(promoteTo(world.process(), B));
    const head = await world.environmentDocument(await headOf(world));
    const [standby = ''] = (await world.slot()).standbys;
    // A call that was slow came after all.
    world.cloud.scaled.set(resourceIdOf(head), { db: { min: 0, max: 0 } });
    expect(await diskAtRest(world)).not.toEqual([]);
    await world.run(repair(world.process(), 'master'));
    await expectAtRest(world);

    world.cloud.scaled.set(resourceIdOf(head), { db: { min: 0, max: 0 } });
    world.cloud.scaled.set(resourceIdOf(await world.environmentDocument(standby)), { db: { min: 1, max: 1 } });
    await world.run(repair(world.process(), 'master'));
    await expectAtRest(world);
  });

  test('is taken by adopt with the disk', async () => {
    await world.run(promoteTo(world.process(), B));
    const [standby = ''] = (await world.slot()).standbys;
    const handle = { id: resourceIdOf(await world.environmentDocument(standby)) };
    world.cloud.write('master', [{ handle, percent: 100 }], 'hand');
    problems.splice(0); // of what was done by hand
    await world.run(adopt(world.process(), 'master', {}));
    expect(await headOf(world)).toBe(standby);
    await expectAtRest(world);
  });
});

describe('killed after each of its dealings that changes something', () => {
  const works: Readonly<Record<string, (of: World, session: Session) => Promise<unknown>>> = {
    'a promotion': (_of, session) => promoteTo(session, C),
    'a promotion that turns bad': (of, session) => {
      const serves = of.cloud.onServe;
      of.cloud.onServe = (slot, ids) => {
        serves(slot, ids);
        for (const id of ids) if (id.startsWith('c')) of.cloud.sick.set(id, () => 'it is ill');
      };
      return promote(session, { slot: 'master', environment: C, bakeSeconds: 3 });
    },
    'a rollback': (_of, session) => rollback(session, { slot: 'master' }),
  };
  const nexts: Readonly<Record<string, (of: World, session: Session) => Promise<unknown>>> = {
    'it is resumed': (of, session) => resumeAll(of, session),
    'a rollback comes next': (_of, session) => rollback(session, { slot: 'master' }),
    'another promotion comes next': (_of, session) => promoteTo(session, A),
  };

  async function prepared(): Promise<World> {
    const of = await serving();
    await of.run(promoteTo(of.process(), B));
    return of;
  }

  test.each(Object.keys(works).flatMap((work) => Object.keys(nexts).map((next) => [work, next] as const)))(
    '%s; then %s',
    async (work, next) => {
      const act = works[work];
      const then = nexts[next];
      if (!act || !then) throw new Error('no such scenario');
      const whole = new Mortal();
      const counting = await prepared();
      await counting.run(act(counting, counting.process(whole.deal)).catch(() => undefined));
      const ends = whole.names.map((name, at) => [name, at] as const).filter(([name]) => CHANGES.test(name));
      expect(ends.length).toBeGreaterThan(5);
      for (const [name, at] of ends) {
        const where = `${String(at)} (${name})`;
        const of = await prepared();
        const seen = watchHolders(of);
        const mortal = new Mortal(at, 'after');
        const ended = act(of, of.process(mortal.deal)).catch(() => undefined);
        await of.run(Promise.race([ended, mortal.died.promise]));
        await of.run(then(of, of.process()).catch(() => undefined));
        await of.run(resumeAll(of, of.process()).catch(() => undefined));
        if ((await of.slot()).owner) await of.run(promoteTo(of.process(), A).catch(() => undefined));
        await of.run(collectPins(of.process()));
        expect([where, isOwned(await of.slot())]).toEqual([where, false]);
        expect([where, seen, await checkAtRest(of), await diskAtRest(of)]).toEqual([where, [], [], []]);
      }
    },
  );
});
const CHANGES = /^(put|delete|route|scale|exec|ensure|destroy|complete|write)/;

function chained<A extends unknown[]>(...all: readonly ((...args: A) => void)[]): (...args: A) => void {
  return (...args) => {
    for (const one of all) one(...args);
  };
}

async function resumeAll(of: World, session: Session): Promise<void> {
  for await (const { document } of of.documents.operations.list(testCall())) {
    if (document.state !== 'running' && document.state !== 'interrupted') continue;
    await session.carryOn(await resumeOperation(session.operations, document.id));
  }
}
