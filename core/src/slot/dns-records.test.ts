import { expect, test } from '@jest/globals';
import type { RecordSet } from '../dns/dns.ts';
import { writeRecords as writeRecordsOf } from '../dns/write-records.ts';
import type { Session } from '../host/session.ts';
import { testCall } from '../state/testing/call.ts';
import { collectPins } from './collect.ts';
import { promote } from './promote.ts';
import { rollback } from './rollback.ts';
import { plainly } from './testing/deal.ts';
import { World } from './testing/world.ts';

const [A = '', B = '', C = ''] = Array.from('abc', (letter) => letter.repeat(12));
const NEW = 'www.example.test';
const OLD = 'old.example.test';
const CHECK: RecordSet = { name: '_acme.example.test', ttlSeconds: 300, type: 'CNAME', values: ['v1.cloud.test'] };

function slotOf(records: readonly RecordSet[]) {
  return { what: 'slot master', provider: { name: 'memory', config: {} }, records };
}

const writeRecords = (session: Session, slot: ReturnType<typeof slotOf>, wanted: readonly RecordSet[]) =>
  writeRecordsOf(session, slot, wanted, testCall());

test('what a router asks for is written, changed and removed, and only that', async () => {
  const world = new World();
  const session = world.process();
  const other: RecordSet = { name: 'mail.example.test', ttlSeconds: 300, type: 'A', values: ['192.0.2.1'] };
  world.dns.sets.push(other);
  await writeRecords(session, slotOf([]), [CHECK]);
  expect(world.dns.sets).toEqual([other, CHECK]);
  const changed = { ...CHECK, values: ['v2.cloud.test'] };
  await writeRecords(session, slotOf([CHECK]), [changed]);
  expect(world.dns.sets).toEqual([other, changed]);
  await writeRecords(session, slotOf([changed]), []);
  expect(world.dns.sets).toEqual([other]);
});

test('a name at the top of a zone, where no CNAME can stand, is an alias, known again whatever its time to live', async () => {
  const world = new World();
  const session = world.process();
  const top: RecordSet = { ...CHECK, name: 'example.test' };
  await writeRecords(session, slotOf([]), [top]);
  expect(world.dns.sets).toEqual([{ ...top, type: 'ALIAS' }]);
  world.dns.sets = [{ ...top, type: 'ALIAS', ttlSeconds: 60 }];
  const changed = { ...top, values: ['v2.cloud.test'] };
  await writeRecords(session, slotOf([top]), [changed]);
  expect(world.dns.sets).toMatchObject([{ type: 'ALIAS', values: ['v2.cloud.test'] }]);
  await writeRecords(session, slotOf([changed]), []);
  expect(world.dns.sets).toEqual([]);
});

test('what is asked for in one zone is one change, and none where somebody else has a record of it', async () => {
  const world = new World();
  const asked: string[] = [];
  const session = world.process((what, act) => {
    asked.push(what);
    return plainly(what, act);
  });
  const wildcard: RecordSet = { ...CHECK, name: '*.example.test' };
  await writeRecords(session, slotOf([]), [CHECK, wildcard]);
  expect(world.dns.sets).toEqual([CHECK, wildcard]);
  expect(asked).toEqual(['read records', 'read records', 'route (dns)']);
  const more: RecordSet = { ...CHECK, name: 'more.example.test' };
  world.dns.sets = [{ ...CHECK, values: ['theirs.test'] }];
  await expect(writeRecords(session, slotOf([]), [more, CHECK])).rejects.toMatchObject({ code: 'owned-by-other' });
  expect(world.dns.sets).toEqual([{ ...CHECK, values: ['theirs.test'] }]);
});

test("somebody else's record is neither overwritten nor removed", async () => {
  const world = new World();
  const session = world.process();
  world.dns.sets.push({ ...CHECK, values: ['theirs.test'] });
  await expect(writeRecords(session, slotOf([CHECK]), [CHECK])).rejects.toMatchObject({ code: 'owned-by-other' });
  await writeRecords(session, slotOf([CHECK]), []);
  expect(world.dns.sets).toEqual([{ ...CHECK, values: ['theirs.test'] }]);
});

test('a rollback of a slot by DNS moves the hosts of the release that it goes back to, and no others', async () => {
  const world = new World();
  const slot = { mechanism: 'dns', standbys: 1 };
  await world.environment('a', { master: { ...slot, host: OLD } });
  await world.environment('b', { master: { ...slot, host: NEW } });
  for (const environment of [A, B]) await world.run(promote(world.process(), { slot: 'master', environment }));
  expect(world.dns.lookUp(NEW)).toEqual(['127.64.0.98']);
  const { warnings } = await world.run(rollback(world.process(), { slot: 'master' }));
  expect(warnings).toEqual([]);
  expect(world.dns.lookUp(OLD)).toEqual(['127.64.0.97']);
  await world.run(collectPins(world.process()));
  await world.run(promote(world.process(), { slot: 'master', environment: B }));
  expect(world.dns.lookUp(NEW)).toEqual(['127.64.0.98']);
});

test('the records of a host that a slot by DNS has dropped go, once no environment that it keeps names the host', async () => {
  const world = new World();
  const slot = { mechanism: 'dns', standbys: 1 };
  await world.environment('a', { master: { ...slot, host: [NEW, OLD] } });
  for (const letter of 'bc') await world.environment(letter, { master: { ...slot, host: NEW } });
  const to = (environment: string): Promise<unknown> =>
    world.run(promote(world.process(), { slot: 'master', environment }));
  const gc = (): Promise<unknown> => world.run(collectPins(world.process()));
  await to(A);
  expect(world.dns.lookUp(OLD)).toEqual(['127.64.0.97']);
  await to(B);
  await gc();
  expect(world.dns.lookUp(OLD)).toEqual(['127.64.0.97']); // a rollback to A wants it
  const back = await world.run(rollback(world.process(), { slot: 'master' }));
  expect(back.warnings).toEqual([]);
  expect(world.dns.lookUp(NEW)).toEqual(['127.64.0.97']);
  expect(world.dns.lookUp(OLD)).toEqual(['127.64.0.97']);
  expect((await world.slot()).spec?.hosts).toEqual([NEW, OLD]);
  await to(B);
  await to(C);
  world.clock.jump(3601); // A has drained
  await gc();
  expect(world.dns.sets.filter(({ name }) => name.includes(OLD))).toEqual([]);
  expect(world.dns.lookUp(NEW)).toEqual(['127.64.0.99']);
  expect((await world.slot()).formerHosts).toBeUndefined();
});
