import { describe, expect, test } from '@jest/globals';
import { collectPins } from './collect.ts';
import { destroySlot } from './destroy.ts';
import { isOwned } from './moves.ts';
import { promote } from './promote.ts';
import { rollback } from './rollback.ts';
import { newestReleases } from './show.ts';
import { resumeOperation } from '../engine/operation.ts';
import type { Session } from '../host/session.ts';
import { Mortal, type Death } from './testing/mortal.ts';
import { World } from './testing/world.ts';
import { checkAtRest, watchWorld } from './testing/invariants.ts';

const A = 'a'.repeat(12);
const B = 'b'.repeat(12);
const C = 'c'.repeat(12);
const SLOTS = { master: { standbys: 1, drain: { requests: '0s', ws: '0s' } } };
const OWN = { master: { ...SLOTS.master, env: { MODE: 'live' } } };

interface Scenario {
  /** Of all environments, or of each by its letter. */
  readonly slots: object | ((letter: string) => object);
  run(session: Session): Promise<unknown>;
}
const scenarios: Readonly<Record<string, Scenario>> = {
  'a first promotion': { slots: SLOTS, run: (session) => promote(session, { slot: 'fresh', environment: A }) },
  'a promotion': { slots: SLOTS, run: (session) => promote(session, { slot: 'master', environment: C }) },
  'a promotion that bakes': {
    slots: SLOTS,
    run: (session) => promote(session, { slot: 'master', environment: C, bakeSeconds: 5 }),
  },
  'a promotion in stages': {
    slots: SLOTS,
    run: (session) =>
      promote(session, {
        slot: 'master',
        environment: C,
        stages: [
          { percent: 10, holdSeconds: 2 },
          { percent: 100, holdSeconds: 0 },
        ],
      }),
  },
  "a promotion to the slot's own environment": {
    slots: OWN,
    run: (session) => promote(session, { slot: 'master', environment: C }),
  },
  'a rollback': { slots: SLOTS, run: (session) => rollback(session, { slot: 'master' }) },
  'a rollback to a release with another host name': {
    slots: (letter) => ({ master: { ...SLOTS.master, host: `${letter}.example.test` } }),
    run: (session) => rollback(session, { slot: 'master' }),
  },
  'the end of a slot': { slots: SLOTS, run: (session) => destroySlot(session, { slot: 'master' }) },
};
const nexts: Readonly<Record<string, (world: World, session: Session, slot: string) => Promise<unknown>>> = {
  'the same process resumes it': (world, session) => resumeAll(world, session),
  'a rollback comes next': (_world, session, slot) => rollback(session, { slot }),
  'its end comes next': (_world, session, slot) => destroySlot(session, { slot }),
  'another promotion comes next': (_world, session, slot) => promote(session, { slot, environment: B }),
};

async function prepared(slots: Scenario['slots']): Promise<World> {
  const world = new World();
  for (const letter of 'abc') {
    const own = typeof slots === 'function' ? slots(letter) : slots;
    await world.environment(letter, { ...own, fresh: SLOTS.master });
  }
  const session = world.process();
  for (const environment of [A, B]) await world.run(promote(session, { slot: 'master', environment }));
  return world;
}

async function resumeAll(world: World, session: Session): Promise<void> {
  for await (const { document } of world.documents.operations.list(neverCall)) {
    if (document.state !== 'running' && document.state !== 'interrupted') continue;
    await session.carryOn(await resumeOperation(session.operations, document.id));
  }
}
const neverCall = {
  signal: new AbortController().signal,
  deadline: new Date(8.64e15),
  operation: 'none',
  token: () => 'none',
  progress: () => undefined,
};

describe.each(Object.entries(scenarios))('%s', (name, scenario) => {
  const slot = name === 'a first promotion' ? 'fresh' : 'master';
  test.each(Object.keys(nexts))('killed at each of its dealings; then %s', async (next) => {
    const whole = new Mortal();
    const counting = await prepared(scenario.slots);
    await counting.run(scenario.run(counting.process(whole.deal)).catch(() => undefined));
    for (let at = 0; at < whole.dealings; at++) {
      for (const death of ['before', 'after'] satisfies Death[]) {
        const where = `${death} ${String(at)} (${whole.names[at] ?? ''})`;
        const world = await prepared(scenario.slots);
        const { problems } = watchWorld(world);
        const mortal = new Mortal(at, death);
        const ended = scenario.run(world.process(mortal.deal)).then(
          () => 'ended',
          () => 'failed',
        );
        await world.run(Promise.race([ended, mortal.died.promise]));
        const session = world.process();
        await world.run((nexts[next] ?? resumeAll)(world, session, slot).catch(() => undefined));
        // Whatever is still unfinished is finished by whoever comes.
        await world.run(resumeAll(world, world.process()).catch(() => undefined));
        if ((await world.slotOrNone(slot))?.owner)
          await world.run(promote(world.process(), { slot, environment: C }).catch(() => undefined));
        await world.run(collectPins(world.process()));
        const left = await world.slotOrNone(slot);
        expect([where, left !== undefined && isOwned(left)]).toEqual([where, false]);
        expect([where, problems, await checkAtRest(world)]).toEqual([where, [], []]);
        const releases = left ? await newestReleases(session, left, { limit: 100 }) : [];
        expect([where, releases.length + world.ends.size]).toEqual([where, left?.generation ?? 0]);
      }
    }
  });
});
