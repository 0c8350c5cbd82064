import { describe, expect, test } from '@jest/globals';
import { collectGarbage } from '../environment/gc.ts';
import type { Session } from '../host/session.ts';
import { Mortal, type Death } from '../slot/testing/mortal.ts';
import { World } from '../slot/testing/world.ts';
import { testCall } from '../state/testing/call.ts';
import { resumeAll } from '../storage/testing/shop.ts';
import { destroyFoundation } from './destroy.ts';
import { createFoundation } from './ensure.ts';
import { standOnFoundation } from './stand-on.ts';
import { MemoryFoundation } from './testing/memory-foundation.ts';

const ID = 'memory.here';
const asks = (size = 'small') => ({ provider: { name: 'memory', config: { size } } });
const make = (session: Session): Promise<unknown> => standOnFoundation(session, asks().provider, asks());

class Founded extends World {
  override readonly foundation = new MemoryFoundation(this.dns);
}
interface Scenario {
  readonly begin: boolean;
  /** None of the DNS provider's zones has the domain in it. */
  readonly isZoneless?: true;
  run(session: Session): Promise<unknown>;
  /** What a later command that wants the same comes to. */
  readonly end: { readonly size?: string };
}
const scenarios: Readonly<Record<string, Scenario>> = {
  'the first make': { begin: false, run: make, end: { size: 'small' } },
  'a change': { begin: true, run: (session) => createFoundation(session, asks('large')), end: { size: 'large' } },
  'the first make, with a zone': { begin: false, isZoneless: true, run: make, end: { size: 'small' } },
  'the end, with its zone': {
    begin: true,
    isZoneless: true,
    run: (session) => destroyFoundation(session, ID),
    end: {},
  },
  'the end': { begin: true, run: (session) => destroyFoundation(session, ID), end: {} },
};
const nexts = ['the next command comes', 'somebody resumes it', 'gc comes'] as const;

async function prepared({ begin, isZoneless }: Scenario): Promise<Founded> {
  const world = new Founded();
  if (isZoneless) world.dns.zones = [];
  if (begin) await world.run(make(world.process()));
  return world;
}

async function go(world: World, name: string, scenario: Scenario, next: (typeof nexts)[number]): Promise<void> {
  const session = world.process();
  if (next === 'the next command comes') {
    const again = world.run(scenario.run(session));
    await (name.startsWith('the end') ? again.catch(() => undefined) : again); // it may be gone by then
  } else if (next === 'somebody resumes it') await world.run(resumeAll(world, session));
  else {
    world.clock.jump(3601);
    await world.run(collectGarbage(session, { dryRun: false }));
  }
}

async function leftOf(world: Founded): Promise<readonly string[]> {
  const left: string[] = [];
  for await (const { document } of world.documents.operations.list(testCall()))
    if (!['done', 'aborted', 'failed'].includes(document.state)) left.push(`${document.kind} is ${document.state}`);
  const found = (await world.documents.foundations.get(ID, testCall()))?.document;
  if (found?.owner) left.push('it has an owner');
  if (world.foundation.made.length > 3) left.push('two were made');
  if (found && found.phase !== 'ready') left.push(`it is ${found.phase}`);
  if (!found && world.foundation.kept.size > 0) left.push('nobody knows of it');
  if (!found && world.dns.sets.length > 0) left.push('records');
  if (found && world.dns.sets.length !== 1) left.push('no records');
  const own = world.dns.zones.filter(({ isOwn }) => isOwn);
  if (own.some(({ id }) => world.dns.tags.get(id)?.clusternator_project !== 'shop')) left.push('a zone without tags');
  if (!found && own.length > 0) left.push('a zone');
  if (found && world.dns.zones.length !== 1) left.push('not one zone');
  if (world.dns.made.length > 1) left.push('two zones were made');
  return left;
}

describe.each(Object.entries(scenarios))('%s', (name, scenario) => {
  test.each(nexts)('killed at each of its dealings; then %s', async (next) => {
    const whole = new Mortal();
    const counting = await prepared(scenario);
    await counting.run(scenario.run(counting.process(whole.deal)));
    for (let at = 0; at < whole.dealings; at++) {
      // Before one dealing is after the one that came earlier.
      for (const death of (at === 0 ? ['before', 'after'] : ['after']) satisfies Death[]) {
        const where = `${death} ${String(at)} (${whole.names[at] ?? ''})`;
        const world = await prepared(scenario);
        const mortal = new Mortal(at, death);
        const session = world.process(mortal.deal);
        world.liveness.set(session.operations.identity.pid, 'dead');
        const ended = scenario.run(session).catch(() => undefined);
        await world.run(Promise.race([ended, mortal.died.promise]));
        await go(world, name, scenario, next);
        // What nobody came upon is somebody's to resume.
        await world.run(resumeAll(world, world.process()));
        expect([where, await leftOf(world)]).toEqual([where, []]);
        if (next === 'the next command comes')
          expect([where, world.foundation.kept.get('here')?.size]).toEqual([where, scenario.end.size]);
      }
    }
  });
});
