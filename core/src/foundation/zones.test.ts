import { expect, test } from '@jest/globals';
import { collectGarbage } from '../environment/gc.ts';
import { World } from '../slot/testing/world.ts';
import { testCall } from '../state/testing/call.ts';
import type { FoundationConfig } from './ask.ts';
import { destroyFoundation } from './destroy.ts';
import type { FoundationDocument } from './documents.ts';
import { createFoundation } from './ensure.ts';
import { DOMAIN } from './testing/bind-founded.ts';
import { MemoryFoundation } from './testing/memory-foundation.ts';
import { showFoundation } from './view.ts';

const ID = 'memory.here';
const SERVERS = ['one.own1.dns.test', 'two.own1.dns.test'];
const asks = (config: Record<string, unknown> = {}): FoundationConfig => ({ provider: { name: 'memory', config } });

/** Nobody has a zone for its domain, whose certificate is good once somebody leads to one. */
class Zoneless extends World {
  override readonly foundation = new MemoryFoundation(this.dns);

  constructor() {
    super();
    this.dns.zones = [{ id: 'z9', name: 'else.test' }];
    this.dns.isServed = (zone) => zone.isOwn !== true;
  }

  delegate(): void {
    this.dns.isServed = () => true;
  }
}
const create = (world: World, config = asks()) => world.run(createFoundation(world.process(), config));
const destroy = (world: World, id = ID) => world.run(destroyFoundation(world.process(), id));
const ownOf = (world: World) => world.dns.zones.filter(({ isOwn }) => isOwn).map(({ id }) => id);
async function documentOf(world: World, id = ID): Promise<FoundationDocument | undefined> {
  return (await world.documents.foundations.get(id, testCall()))?.document;
}
function warningsOf(world: World): readonly string[] {
  return world.events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
}

test('a domain that is in no zone gets one; its name servers are told, and the same command goes on once they are set', async () => {
  const world = new Zoneless();
  await expect(create(world)).rejects.toMatchObject({
    code: 'timeout',
    message: expect.stringContaining(DOMAIN),
    detail: { hint: expect.stringContaining(SERVERS.join(', ')) },
  });
  expect(warningsOf(world)).toEqual([expect.stringContaining(SERVERS.join(', '))]);
  expect(world.dns.tags.get('own1')).toMatchObject({ clusternator_project: 'shop', clusternator_type: 'foundation' });
  expect(await documentOf(world)).toMatchObject({ phase: 'failed', zones: [{ name: DOMAIN, nameServers: SERVERS }] });
  expect(await world.run(showFoundation(world.process(), asks()))).toMatchObject({
    zones: [{ name: DOMAIN, nameServers: SERVERS, isServed: false }],
  });
  await expect(create(world)).rejects.toMatchObject({ code: 'timeout' });
  expect(warningsOf(world)).toHaveLength(2);
  world.delegate();
  await create(world);
  await create(world);
  expect([warningsOf(world).length, world.dns.made]).toEqual([3, ['own1']]);
  expect(await world.run(showFoundation(world.process(), asks()))).toMatchObject({
    state: 'ready',
    zones: [{ isServed: true }],
  });
  await destroy(world);
  expect([ownOf(world), world.dns.sets]).toEqual([[], []]);
});

test('who leads to it while the rest is made need not come again', async () => {
  const world = new Zoneless();
  world.foundation.onMake = (part) => {
    if (part === 'certificate') setImmediate(() => void world.clock.sleep(300).then(() => world.delegate()));
  };
  await create(world);
  expect(await documentOf(world)).toMatchObject({ phase: 'ready', zones: [{ isServed: true }] });
});

test('none is made beside a zone of the domain, nor below one that has it in it', async () => {
  for (const name of [DOMAIN, 'example.test']) {
    const world = new Zoneless();
    world.dns.zones = [{ id: 'z1', name }];
    await create(world);
    await destroy(world);
    expect([world.dns.made, world.dns.zones]).toEqual([[], [{ id: 'z1', name }]]);
  }
});

test('where the DNS provider makes none, that is told, and what was made until then is destroyed all the same', async () => {
  const world = new Zoneless();
  world.dns.makesZones = false;
  await expect(create(world)).rejects.toMatchObject({ code: 'not-found', message: expect.stringContaining(DOMAIN) });
  await destroy(world);
  expect([await documentOf(world), world.foundation.kept.size]).toEqual([undefined, 0]);
});

test('a zone that holds records of others stays, told with the first of them, and is taken up by the next foundation', async () => {
  const world = new Zoneless();
  world.delegate();
  await create(world);
  const theirs = { name: `mail.${DOMAIN}`, type: 'A' as const, ttlSeconds: 60, values: ['192.0.2.1'] };
  world.dns.sets.push(theirs);
  await destroy(world);
  expect(warningsOf(world).at(-1)).toMatch(/the zone shop\.example\.test.* stays: .*mail\.shop/);
  expect([ownOf(world), world.dns.sets, await documentOf(world)]).toEqual([['own1'], [theirs], undefined]);
  await create(world);
  world.dns.sets = world.dns.sets.filter((set) => set !== theirs);
  await destroy(world);
  expect([ownOf(world), world.dns.made]).toEqual([[], ['own1']]);
});

test('of two foundations with the same domain, the last takes the zone with it', async () => {
  const world = new Zoneless();
  world.delegate();
  await create(world);
  await create(world, asks({ place: 'there' }));
  world.dns.sets = [];
  await destroy(world);
  expect(warningsOf(world).at(-1)).toContain('the foundation memory.there has its domain in it');
  expect(ownOf(world)).toEqual(['own1']);
  await destroy(world, 'memory.there');
  expect([ownOf(world), world.dns.made]).toEqual([[], ['own1']]);
});

test('one that was removed by hand is made again, with other name servers; a destroy minds neither', async () => {
  const world = new Zoneless();
  world.delegate();
  await create(world);
  const remove = (): void => {
    world.dns.zones = world.dns.zones.filter(({ isOwn }) => !isOwn);
    world.dns.sets = [];
  };
  remove();
  await create(world);
  expect(await documentOf(world)).toMatchObject({
    zones: [{ nameServers: ['one.own2.dns.test', 'two.own2.dns.test'] }],
  });
  remove();
  await destroy(world);
  expect(await documentOf(world)).toBeUndefined();
});

test('another domain has a zone of its own; the former one goes with the foundation, and may be gone by then', async () => {
  for (const isGone of [false, true]) {
    const world = new Zoneless();
    world.delegate();
    await create(world);
    const { spec } = (await documentOf(world)) ?? {};
    if (!spec) throw new Error('it is not there');
    // As if it had been made for another domain.
    const former = 'former.test';
    await world.documents.foundations.update(
      ID,
      (now) => ({
        ...now,
        spec: { ...spec, domain: former },
        records: [{ name: `_check.${former}`, ttlSeconds: 300, type: 'CNAME', values: ['check.cloud.test'] }],
        zones: [{ name: former, since: now.createdAt, nameServers: [], isServed: true }],
      }),
      testCall(),
    );
    world.dns.zones = isGone ? [] : [{ id: 'former', name: former, isOwn: true }];
    await create(world);
    expect((await documentOf(world))?.zones?.map(({ name }) => name)).toEqual([former, DOMAIN]);
    await destroy(world);
    expect([ownOf(world), world.dns.sets]).toEqual([[], []]);
  }
});

test('gc leaves it alone as long as a certificate waits, and then removes it', async () => {
  const world = new Zoneless();
  await expect(create(world)).rejects.toMatchObject({ code: 'timeout' });
  const collected = async () => (await world.run(collectGarbage(world.process(), { dryRun: false }))).length;
  world.clock.jump(2 * 24 * 3600);
  expect([await collected(), ownOf(world)]).toEqual([0, ['own1']]);
  world.clock.jump(24 * 3600);
  expect([await collected(), ownOf(world), world.dns.sets]).toEqual([1, [], []]);
});
