import { expect, test } from '@jest/globals';
import type { RecordSet } from '../dns/dns.ts';
import { resumeOperation } from '../engine/operation.ts';
import { testCall } from '../state/testing/call.ts';
import { promote } from './promote.ts';
import { rollback } from './rollback.ts';
import { sleeperIn } from './testing/sleeper.ts';
import { Mortal, type Death } from './testing/mortal.ts';
import { World } from './testing/world.ts';
import { repair } from './upkeep.ts';

const [A = '', B = ''] = Array.from('ab', (letter) => letter.repeat(12));
const SLOTS = { master: { host: 'www.example.test' } };
const CHECK: RecordSet = { name: '_check.example.test', ttlSeconds: 300, type: 'CNAME', values: ['v1.cloud.test'] };

/** A router whose certificate is made two looks after its record is seen, unless it never is. */
async function worldWithCertificates(isEverMade = true): Promise<World> {
  const world = new World();
  let looks = 0;
  world.cloud.naming = () => {
    if (isEverMade && world.dns.sets.length > 0 && ++looks > 2) return { phase: 'active', records: [CHECK] };
    return { phase: 'creating', records: [CHECK], message: 'the certificate is PENDING_VALIDATION' };
  };
  await world.environment('a', SLOTS);
  return world;
}

test('nothing is routed before the names have their certificates, whose records are written meanwhile', async () => {
  const world = await worldWithCertificates();
  let sets: readonly RecordSet[] = [];
  world.cloud.onServe = () => {
    sets = [...world.dns.sets];
    expect(world.cloud.naming().phase).toBe('active');
  };
  await world.run(promote(world.process(), { slot: 'master', environment: A }));
  expect(sets).toEqual([CHECK]);
  const steps = world.events.flatMap((event) => (event.type === 'step' && event.step === 'names' ? event.state : []));
  expect(steps).toEqual(['started', 'done']);
  expect(world.events).toContainEqual(
    expect.objectContaining({ type: 'progress', step: 'names', message: 'the certificate is PENDING_VALIDATION' }),
  );
  expect(world.cloud.live('master')).toHaveLength(1);
  expect((await world.slot()).records).toEqual([CHECK]);
});

test('a certificate that is never made ends a promotion with the slot as it was', async () => {
  const world = await worldWithCertificates(false);
  const promotion = world.run(promote(world.process(), { slot: 'master', environment: A }));
  await expect(promotion).rejects.toMatchObject({
    code: 'timeout',
    message: expect.stringMatching(/name slot master.*it waits for: the certificate is PENDING_VALIDATION/),
  });
  expect(world.cloud.live('master')).toEqual([]);
  expect((await world.slot()).owner).toBeUndefined();
});

test.each([
  ['waits for a certificate', worldWithCertificates],
  [
    'has its names at once',
    async () => {
      const world = await worldWithCertificates();
      world.cloud.naming = () => ({ phase: 'active', records: [CHECK] });
      return world;
    },
  ],
])(
  'killed at any of its dealings, a promotion that %s is resumed, and its names have their records',
  async (_, open) => {
    const whole = new Mortal();
    const counting = await open();
    await counting.run(promote(counting.process(whole.deal), { slot: 'master', environment: A }));
    const first = whole.names.indexOf('ensure slot');
    for (let at = first; at < whole.names.indexOf('route'); at++) {
      for (const death of ['before', 'after'] satisfies Death[]) {
        const world = await open();
        const mortal = new Mortal(at, death);
        const ended = promote(world.process(mortal.deal), { slot: 'master', environment: A });
        await world.run(Promise.race([ended, mortal.died.promise]));
        expect(world.cloud.live('master')).toEqual([]);
        const session = world.process();
        for await (const { document } of world.documents.operations.list(testCall()))
          if (document.state !== 'done') {
            await world.run(session.carryOn(await world.run(resumeOperation(session.operations, document.id))));
          }
        expect(world.cloud.naming().phase).toBe('active');
        expect(world.cloud.live('master')).toHaveLength(1);
        expect(world.dns.sets).toEqual([CHECK]);
      }
    }
  },
);

test('a rollback waits for no certificate: it says what is missing, and a repair waits for it', async () => {
  const world = new World();
  await world.environment('a', { master: { standbys: 1, host: 'old.example.test' } });
  await world.environment('b', { master: { standbys: 1, host: 'new.example.test' } });
  for (const environment of [A, B]) await world.run(promote(world.process(), { slot: 'master', environment }));
  world.cloud.naming = () => ({
    phase: 'creating',
    records: [CHECK],
    message: 'the certificate is PENDING_VALIDATION',
  });
  const { warnings } = await world.run(rollback(world.process(), { slot: 'master' }));
  expect(warnings).toEqual([expect.stringMatching(/PENDING_VALIDATION\. clusternator slot repair master/)]);
  expect(world.cloud.slots.get('master')?.spec.hosts).toContain('old.example.test');
  expect(world.dns.sets).toEqual([CHECK]);
  const HOST: RecordSet = { ...CHECK, name: 'old.example.test' };
  let looks = 0;
  world.cloud.naming = () =>
    ++looks > 6 ? { phase: 'active', records: [CHECK, HOST] } : { phase: 'creating', records: [CHECK] };
  await world.run(repair(world.process(), 'master'));
  expect(world.dns.sets).toEqual([CHECK, HOST]);
  expect((await world.slot()).records).toEqual([CHECK, HOST]);
});

test('a repair routes before it looks after names, whose records somebody else may have', async () => {
  const world = new World();
  await world.environment('a', SLOTS);
  await world.run(promote(world.process(), { slot: 'master', environment: A }));
  world.cloud.write('master', [], 'by hand');
  world.dns.sets = [{ ...CHECK, values: ['theirs.test'] }];
  world.cloud.naming = () => ({ phase: 'active', records: [CHECK] });
  await expect(world.run(repair(world.process(), 'master'))).rejects.toMatchObject({ code: 'owned-by-other' });
  expect(world.cloud.live('master')).toHaveLength(1);
});

test('a repair that sleeps before it names a slot leaves what was promoted meanwhile served, and its names to it', async () => {
  const world = new World();
  await world.environment('a', { master: { standbys: 1, host: 'old.example.test' } });
  await world.environment('b', { master: { standbys: 1, host: 'new.example.test' } });
  await world.run(promote(world.process(), { slot: 'master', environment: A }));
  const { session, asleep, wake } = sleeperIn(world, 'put', 2); // the routes', then the names'
  const repairing = repair(session, 'master');
  await world.run(asleep);
  await world.run(promote(world.process(), { slot: 'master', environment: B }));
  wake();
  await world.run(repairing);
  expect(world.cloud.live('master')).toEqual([`${B}-1`]);
  expect(world.cloud.slots.get('master')?.spec.hosts).toContain('new.example.test');
});
