import { describe, expect, test } from '@jest/globals';
import type { RecordChange, RecordSet } from '@clusternator/core/provider';
import { dnsHandlers, LocalDns } from './provider.ts';
import { memoryZoneStorage, ZoneStore } from './zones.ts';
import type { ZoneStorage } from './zones.ts';

const a = (name: string, ...values: string[]): RecordSet => ({ name, type: 'A', ttlSeconds: 5, values });
const make = (next: RecordSet): RecordChange => ({ expected: null, next });

async function zone(storage: ZoneStorage = memoryZoneStorage()): Promise<ZoneStore> {
  const store = await ZoneStore.open(storage, () => 1_000_000);
  await store.ensureZone('shop.test');
  return store;
}

describe('changes', () => {
  test('hold only where the record set is the expected one', async () => {
    const store = await zone();
    await store.change('shop.test', [make(a('x.shop.test', '127.0.0.1'))]);
    const again = store.change('shop.test', [make(a('x.shop.test', '127.0.0.2'))]);
    await expect(again).rejects.toMatchObject({ code: 'conflict', effect: 'none' });
    const wrong: RecordChange = { expected: a('x.shop.test', '127.0.0.9'), next: null };
    await expect(store.change('shop.test', [wrong])).rejects.toMatchObject({ code: 'conflict' });
    await store.change('shop.test', [{ expected: a('x.shop.test', '127.0.0.1'), next: a('x.shop.test', '127.0.0.2') }]);
    expect(store.records('shop.test', { name: 'x.shop.test' })).toEqual([a('x.shop.test', '127.0.0.2')]);
  });

  test('are made all or not at all', async () => {
    const store = await zone();
    const before = store.records('shop.test');
    const changes = [make(a('x.shop.test', '127.0.0.1')), { expected: a('y.shop.test', '127.0.0.1'), next: null }];
    await expect(store.change('shop.test', changes)).rejects.toMatchObject({ code: 'conflict' });
    expect(store.records('shop.test')).toEqual(before);
  });

  test('of two from one reading, one fails', async () => {
    const store = await zone();
    await store.change('shop.test', [make(a('x.shop.test', '127.0.0.1'))]);
    const both = await Promise.allSettled(
      ['127.0.0.2', '127.0.0.3'].map(async (to) =>
        store.change('shop.test', [{ expected: a('x.shop.test', '127.0.0.1'), next: a('x.shop.test', to) }]),
      ),
    );
    expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  });

  test.each<[RecordSet, RecordSet]>([
    [a('x.shop.test', '127.0.0.1', '127.0.0.2'), a('X.Shop.TEST.', '127.0.0.2', '127.0.0.1')],
    [
      { name: 'x.shop.test', type: 'MX', ttlSeconds: 5, values: ['10 mail.shop.test'] },
      { name: 'x.shop.test', type: 'MX', ttlSeconds: 5, values: ['10  MAIL.shop.test.'] },
    ],
    [
      { name: 'x.shop.test', type: 'AAAA', ttlSeconds: 5, values: ['::1'] },
      { name: 'x.shop.test', type: 'AAAA', ttlSeconds: 5, values: ['0:0:0:0:0:0:0:1'] },
    ],
    [
      { name: 'x.shop.test', type: 'CAA', ttlSeconds: 5, values: ['0 issue "ca.test"'] },
      { name: 'x.shop.test', type: 'CAA', ttlSeconds: 5, values: ['0 ISSUE ca.test'] },
    ],
  ])('%j is the same as %j', async (written, expected) => {
    const store = await zone();
    await store.change('shop.test', [make(written)]);
    await store.change('shop.test', [{ expected, next: null }]);
    expect(store.records('shop.test', { name: 'x.shop.test' })).toEqual([]);
  });

  test('text is the same only in the same case', async () => {
    const store = await zone();
    const txt = (value: string): RecordSet => ({ name: 'x.shop.test', type: 'TXT', ttlSeconds: 5, values: [value] });
    await store.change('shop.test', [make(txt('Abc'))]);
    await expect(store.change('shop.test', [{ expected: txt('abc'), next: null }])).rejects.toMatchObject({
      code: 'conflict',
    });
  });

  test('raise the serial, and a removed zone comes back with a higher one than it had', async () => {
    let now = 1_000_000;
    const store = await ZoneStore.open(memoryZoneStorage(), () => (now += 1000));
    const serial = (): number => Number(store.records('shop.test', { type: 'SOA' })[0]?.values[0]?.split(' ')[2]);
    await store.ensureZone('shop.test');
    const first = serial();
    await store.change('shop.test', [make(a('x.shop.test', '127.0.0.1'))]);
    const second = serial();
    expect(second).toBeGreaterThan(first);
    await store.removeZone('shop.test');
    await store.ensureZone('shop.test');
    expect(serial()).toBeGreaterThan(second);
  });
});

describe('what is refused', () => {
  const set = (type: string, ...values: string[]): RecordSet =>
    ({ name: 'x.shop.test', type, ttlSeconds: 5, values }) as RecordSet; // also types that are none
  test.each<[string, RecordSet, string, string]>([
    ['a negative TTL', { ...a('x.shop.test', '127.0.0.1'), ttlSeconds: -1 }, 'invalid', 'changes.0.next.ttlSeconds'],
    [
      'a TTL too long',
      { ...a('x.shop.test', '127.0.0.1'), ttlSeconds: 2_147_483_648 },
      'invalid',
      'changes.0.next.ttlSeconds',
    ],
    ['half a second', { ...a('x.shop.test', '127.0.0.1'), ttlSeconds: 0.5 }, 'invalid', 'changes.0.next.ttlSeconds'],
    ['an unknown type', set('NAPTR', 'x'), 'unsupported', 'changes.0.next.type'],
    ['a type that is a method', set('toString', 'x'), 'unsupported', 'changes.0.next.type'],
    ['no values', set('A'), 'invalid', 'changes.0.next.values'],
    ['a value twice', set('A', '127.0.0.1', '127.0.0.1'), 'invalid', 'changes.0.next.values'],
    ['not an address', set('A', '127.0.0.1', '127.0.0.256'), 'invalid', 'changes.0.next.values.1'],
    ['IPv6 as A', set('A', '::1'), 'invalid', 'changes.0.next.values.0'],
    ['a zone index', set('AAAA', 'fe80::1%lo'), 'invalid', 'changes.0.next.values.0'],
    ['two CNAMEs', set('CNAME', 'a.test', 'b.test'), 'invalid', 'changes.0.next.values'],
    ['MX without preference', set('MX', 'mail.test'), 'invalid', 'changes.0.next.values.0'],
    ['MX over 16 bits', set('MX', '65536 mail.test'), 'invalid', 'changes.0.next.values.0'],
    ['SRV too short', set('SRV', '1 2 host.test'), 'invalid', 'changes.0.next.values.0'],
    ['odd hex', set('TLSA', '3 1 1 abc'), 'invalid', 'changes.0.next.values.0'],
    ['an unknown parameter', set('HTTPS', '1 . nope=1'), 'invalid', 'changes.0.next.values.0'],
    ['a parameter twice', set('HTTPS', '1 . port=1 port=2'), 'invalid', 'changes.0.next.values.0'],
    ['alias mode with parameters', set('SVCB', '0 x.test port=1'), 'invalid', 'changes.0.next.values.0'],
    ['another zone', a('x.other.test', '127.0.0.1'), 'invalid', 'changes.0.next.name'],
    ['a name that only ends alike', a('xshop.test', '127.0.0.1'), 'invalid', 'changes.0.next.name'],
    ['a label too long', a(`${'x'.repeat(64)}.shop.test`, '127.0.0.1'), 'invalid', 'changes.0.next.name'],
    ['a name too long', a(`${'x.'.repeat(126)}shop.test`, '127.0.0.1'), 'invalid', 'changes.0.next.name'],
    ['an empty label', a('x..shop.test', '127.0.0.1'), 'invalid', 'changes.0.next.name'],
    ['the SOA', { ...set('SOA', 'a.test b.test 1 2 3 4 5'), name: 'shop.test' }, 'unsupported', 'changes.0'],
    ['a CNAME at the apex', { ...set('CNAME', 'a.test'), name: 'shop.test' }, 'invalid', 'changes'],
    ['too much text', set('TXT', 'x'.repeat(40_000)), 'invalid', 'changes.0.next.values'],
  ])('%s', async (_, next, code, path) => {
    const store = await zone();
    await expect(store.change('shop.test', [make(next)])).rejects.toMatchObject({ code, detail: { path } });
  });

  test('a CNAME beside something else, an ALIAS beside an address', async () => {
    const store = await zone();
    const cname: RecordSet = { name: 'x.shop.test', type: 'CNAME', ttlSeconds: 5, values: ['y.shop.test'] };
    const alias: RecordSet = { ...cname, type: 'ALIAS' };
    const address = a('x.shop.test', '127.0.0.1');
    await expect(store.change('shop.test', [make(address), make(cname)])).rejects.toMatchObject({ code: 'invalid' });
    await expect(store.change('shop.test', [make(address), make(alias)])).rejects.toMatchObject({ code: 'invalid' });
    await store.change('shop.test', [make(address)]);
    await store.change('shop.test', [{ expected: address, next: null }, make(cname)]);
    expect(store.records('shop.test', { name: 'x.shop.test' })).toEqual([cname]);
  });

  test('an unknown zone', async () => {
    const store = await zone();
    expect(() => store.records('nope.test')).toThrow(expect.objectContaining({ code: 'not-found' }));
    await expect(store.change('nope.test', [])).rejects.toMatchObject({ code: 'not-found' });
    await expect(store.ensureZone('')).rejects.toMatchObject({ code: 'invalid' });
  });

  test('the same set twice in one call, a change of nothing, a change of name', async () => {
    const store = await zone();
    const one = make(a('x.shop.test', '127.0.0.1'));
    const renamed = { expected: a('x.shop.test', '127.0.0.1'), next: a('y.shop.test', '127.0.0.1') };
    for (const changes of [[one, one], [{ expected: null, next: null }], [renamed]]) {
      await expect(store.change('shop.test', changes)).rejects.toMatchObject({ code: 'invalid' });
    }
  });
});

describe('storage', () => {
  test('a change that could not be saved did not happen', async () => {
    const memory = memoryZoneStorage();
    let full = false;
    const store = await zone({
      ...memory,
      save: (stored) => {
        if (full) throw new Error('ENOSPC');
        return memory.save(stored);
      },
    });
    const before = store.records('shop.test');
    full = true;
    await expect(store.change('shop.test', [make(a('x.shop.test', '127.0.0.1'))])).rejects.toThrow('ENOSPC');
    expect(store.records('shop.test')).toEqual(before);
    full = false;
    await store.change('shop.test', [make(a('x.shop.test', '127.0.0.1'))]);
  });

  test('another store reads what was saved', async () => {
    const memory = memoryZoneStorage();
    const store = await zone(memory);
    await store.change('shop.test', [make(a('münchen.shop.test', '127.0.0.1'))]);
    const again = await ZoneStore.open(memory);
    expect(again.records('shop.test')).toEqual(store.records('shop.test'));
    expect(again.records('shop.test', { name: 'München.shop.test' })).toEqual([
      a('xn--mnchen-3ya.shop.test', '127.0.0.1'),
    ]);
    await again.removeZone('Shop.test.');
    expect((await ZoneStore.open(memory)).zones()).toEqual([]);
  });
});

test('the provider reads and writes through its client', async () => {
  const store = await zone();
  const dns = new LocalDns(dnsHandlers(store));
  const [first] = await Array.fromAsync(dns.zones());
  expect(first).toEqual({ id: 'shop.test', name: 'shop.test' });
  if (first === undefined) return;
  await dns.change(first, [make(a('x.shop.test', '127.0.0.1'))]);
  expect(await Array.fromAsync(dns.records(first, { type: 'A' }))).toEqual([a('x.shop.test', '127.0.0.1')]);
});
