import assert from 'node:assert/strict';
import type { OwnZone, RecordChange, RecordSet, Zone } from '@clusternator/core';
import type { Case } from '../kit/case.ts';
import type { Tenant } from '../kit/tenant.ts';
import { errorOf, must, RECORDS_AT_ONCE, type Trial } from '../kit/trial.ts';

const base = { drivers: ['dns'], uses: ['zone'] } as const;
const resolved = { drivers: ['dns'], uses: ['zone', 'resolve'] } as const;

export const dnsCases: readonly Case[] = [
  {
    ...base,
    id: 'dns/a-second-run-makes-no-change',
    number: 62,
    title: 'What was written reads back as it was written, so a second run changes nothing',
    async run(t) {
      const wanted = [a(t, 'one', ['192.0.2.1', '192.0.2.2']), txt(t, 'two', ['hello'])];
      await add(t, ...wanted);
      for (const set of wanted) assert.deepEqual(await read(t, set.name), [set]);
      const all = await records(t, {});
      for (const set of wanted)
        assert.deepEqual(
          all.filter(({ name }) => name === set.name),
          [set],
          'without a filter',
        );
    },
  },
  {
    ...resolved,
    id: 'dns/a-cname-is-swapped-for-an-a',
    number: 63,
    title: 'A CNAME is swapped for an A in one change, and back',
    needs: ['dns.atomic'],
    async run(t) {
      const cname: RecordSet = {
        name: t.recordName('swap'),
        type: 'CNAME',
        ttlSeconds: 60,
        values: ['target.example.com'],
      };
      const address = a(t, 'swap', ['192.0.2.7']);
      await add(t, cname);
      await change(t, [
        { expected: cname, next: null },
        { expected: null, next: address },
      ]);
      assert.deepEqual(await t.account.resolve?.(address.name, 'A'), ['192.0.2.7']);
      await change(t, [
        { expected: address, next: null },
        { expected: null, next: cname },
      ]);
      assert.deepEqual(await t.account.resolve?.(address.name, 'CNAME'), ['target.example.com']);
    },
  },
  {
    ...base,
    id: 'dns/a-ttl-out-of-range-is-told',
    number: 64,
    title: 'A TTL out of range is invalid by its path, and nothing is written',
    async run(t) {
      const set = { ...a(t, 'ttl', ['192.0.2.1']), ttlSeconds: 2 ** 31 };
      const error = await errorOf(add(t, set));
      assert.equal(error?.code, 'invalid');
      assert.match(error.detail.path ?? '', /ttl/i);
      assert.deepEqual(await read(t, set.name), []);
    },
  },
  {
    ...resolved,
    id: 'dns/texts-come-back-whole',
    number: 65,
    title: 'A TXT of over 255 bytes, quotes, backslashes and Unicode comes back whole',
    async run(t) {
      const values = ['x'.repeat(300), 'say "hi" \\ there; \\010', 'größe 😀'];
      const set = txt(t, 'text', values);
      await add(t, set);
      assert.deepEqual((await read(t, set.name)).map(sorted), [sorted(set)]);
      assert.deepEqual(await t.account.resolve?.(set.name, 'TXT'), [...values].sort());
    },
  },
  {
    ...resolved,
    id: 'dns/names-of-every-kind',
    number: 66,
    title: 'Wildcards, internationalised names and values with names keep their form',
    async run(t) {
      const under = t.recordName('names');
      const wild: RecordSet = { name: `*.${under}`, type: 'A', ttlSeconds: 60, values: ['192.0.2.3'] };
      const idna: RecordSet = { name: `xn--bcher-kva.${under}`, type: 'A', ttlSeconds: 60, values: ['192.0.2.4'] };
      const mx: RecordSet = { name: under, type: 'MX', ttlSeconds: 60, values: ['10 mail.example.com'] };
      await add(t, wild, idna, mx);
      for (const set of [wild, idna, mx]) assert.deepEqual(await read(t, set.name), [set], set.name);
      assert.deepEqual(await t.account.resolve?.(`anything.${under}`, 'A'), ['192.0.2.3'], 'the wildcard');
      assert.deepEqual(await t.account.resolve?.(idna.name, 'A'), ['192.0.2.4'], 'the internationalised name');
    },
  },
  {
    ...base,
    id: 'dns/the-order-of-values-is-no-change',
    number: 67,
    title: 'Values in another order are the expected ones',
    async run(t) {
      const set = a(t, 'order', ['192.0.2.1', '192.0.2.2', '192.0.2.3']);
      await add(t, set);
      const reversed = { ...set, values: [...set.values].reverse() };
      await change(t, [{ expected: reversed, next: { ...set, ttlSeconds: 120 } }]);
      assert.deepEqual(
        (await read(t, set.name)).map(({ ttlSeconds }) => ttlSeconds),
        [120],
      );
    },
  },
  {
    ...base,
    id: 'dns/an-expectation-that-fails-leaves-all-records',
    number: 68,
    title: 'One expectation that fails leaves all records as they were',
    needs: ['dns.atomic', 'dns.compareAndSet'],
    async run(t) {
      const [first, second] = [a(t, 'first', ['192.0.2.1']), a(t, 'second', ['192.0.2.2'])];
      await add(t, first, second);
      const changes = [
        { expected: first, next: { ...first, values: ['192.0.2.9'] } },
        { expected: { ...second, values: ['192.0.2.8'] }, next: null },
      ];
      const error = await errorOf(change(t, changes));
      assert.equal(error?.code, 'conflict');
      assert.deepEqual([await read(t, first.name), await read(t, second.name)], [[first], [second]]);
    },
  },
  {
    ...base,
    id: 'dns/foreign-records-are-untouched',
    number: 69,
    title: "The zone's own and foreign records are as they were",
    async run(t) {
      // The serial of the SOA counts changes: that it moves is right.
      const foreign = async () =>
        JSON.stringify(
          (await records(t, {}))
            .filter(({ name, type }) => type !== 'SOA' && !name.includes(t.main.owner.project))
            .map(sorted),
        );
      const before = await foreign();
      const set = a(t, 'mine', ['192.0.2.1']);
      await add(t, set);
      await change(t, [{ expected: set, next: null }]);
      assert.equal(await foreign(), before);
    },
  },
  {
    ...resolved,
    id: 'dns/done-means-that-the-servers-answer-so',
    number: 70,
    title: 'A change has returned once the authoritative servers answer so',
    async run(t) {
      const set = a(t, 'done', ['192.0.2.1']);
      await add(t, set);
      assert.deepEqual(await t.account.resolve?.(set.name, 'A'), ['192.0.2.1']);
      await change(t, [{ expected: set, next: { ...set, values: ['192.0.2.2'] } }]);
      assert.deepEqual(await t.account.resolve?.(set.name, 'A'), ['192.0.2.2']);
    },
  },
  {
    ...base,
    id: 'dns/a-thousand-records-page-through',
    number: 71,
    title: 'A thousand records are all listed',
    async run(t) {
      const wanted = Array.from({ length: 1000 }, (_, at) => a(t, `many${String(at)}`, ['192.0.2.1']));
      for (let from = 0; from < wanted.length; from += RECORDS_AT_ONCE)
        await add(t, ...wanted.slice(from, from + RECORDS_AT_ONCE));
      const seen = (await records(t, { type: 'A' }))
        .map(({ name }) => name)
        .filter((name) => name.includes(t.main.owner.project));
      assert.equal(seen.length, wanted.length);
      assert.equal(new Set(seen).size, wanted.length, 'each once');
    },
  },
  {
    ...resolved,
    id: 'dns/an-alias-has-the-addresses-of-its-target',
    number: 4,
    title: 'An ALIAS answers with the addresses of its target',
    needs: ['dns.alias'],
    async run(t) {
      const target = a(t, 'target', ['192.0.2.5']);
      const alias: RecordSet = { name: t.recordName('alias'), type: 'ALIAS', ttlSeconds: 60, values: [target.name] };
      await add(t, target, alias);
      assert.deepEqual(await read(t, alias.name), [alias]);
      assert.deepEqual(await t.account.resolve?.(alias.name, 'A'), ['192.0.2.5']);
    },
  },
  {
    ...base,
    id: 'dns/a-zone-is-made-once-and-told-as-its-own',
    number: 90,
    title: 'A zone is made once, told as its own to who it was made for, and never beside one that is there',
    needs: ['dns.zones'],
    async run(t) {
      const name = t.recordName('own');
      const made = [
        await makeZone(t, name, 'first'),
        await makeZone(t, name, 'first'),
        await makeZone(t, name, 'later'),
      ];
      assert.equal(new Set(made.map(({ id }) => id)).size, 1, 'one zone');
      assert.ok(must(made[0], 'a zone').nameServers.length > 0, 'its name servers');
      const told = async (tenant: Tenant) =>
        (await zones(tenant)).filter((zone) => zone.name === name).map(({ isOwn = false }) => isOwn);
      assert.deepEqual(await told(t.main), [true]);
      assert.deepEqual(await told(t.tenant('b')), [false], 'to another project');
      const there = await t.zone();
      assert.equal(there.isOwn, undefined, 'that was there before');
      assert.equal((await errorOf(makeZone(t, there.name, 'beside')))?.code, 'owned-by-other');
      assert.equal((await zones(t.main)).filter((zone) => zone.name === there.name).length, 1);
    },
  },
  {
    ...base,
    id: 'dns/a-zone-goes-unless-it-holds-something',
    number: 91,
    title: 'A zone that holds records of somebody stays, with their names told; an empty one goes',
    needs: ['dns.zones'],
    async run(t) {
      const dns = await t.main.dns();
      const zone = await makeZone(t, t.recordName('own'), 'first');
      const set = { ...a(t, 'own', ['192.0.2.1']), name: `www.${zone.name}` };
      const write = (expected: RecordSet | null, next: RecordSet | null) =>
        t.main.call('dns.change', set.name, (call) => dns.change(zone, [{ expected, next }], call));
      const remove = () =>
        t.main.call('dns.ownZones.remove', zone.name, (call) => must(dns.ownZones, 'zones').remove(zone, call));
      await write(null, set);
      const error = await errorOf(remove());
      assert.equal(error?.code, 'conflict');
      assert.ok(error.message.includes(set.name), error.message);
      const left = await t.main.call('dns.records', set.name, (call) =>
        Array.fromAsync(dns.records(zone, { name: set.name }, call)),
      );
      assert.deepEqual(left, [set]);
      await write(set, null);
      await remove();
      assert.deepEqual(
        (await zones(t.main)).filter(({ name }) => name === zone.name),
        [],
      );
      await remove();
    },
  },
];

function zones(tenant: Tenant): Promise<readonly Zone[]> {
  return tenant.call('dns.zones', 'all', async (call) => Array.fromAsync((await tenant.dns()).zones(call)));
}

function makeZone(t: Trial, name: string, about: string): Promise<OwnZone> {
  const { tags } = t.specs.foundation();
  return t.main.call('dns.ownZones.ensure', about, async (call) =>
    must((await t.main.dns()).ownZones, 'zones').ensure(name, tags, call),
  );
}

function a(t: Trial, label: string, values: readonly string[]): RecordSet {
  return { name: t.recordName(label), type: 'A', ttlSeconds: 60, values };
}

function txt(t: Trial, label: string, values: readonly string[]): RecordSet {
  return { name: t.recordName(label), type: 'TXT', ttlSeconds: 60, values };
}

function sorted(set: RecordSet): RecordSet {
  return { ...set, values: [...set.values].sort() };
}

function add(t: Trial, ...sets: readonly RecordSet[]): Promise<void> {
  return change(
    t,
    sets.map((next) => ({ expected: null, next })),
  );
}

async function change(t: Trial, changes: readonly RecordChange[]): Promise<void> {
  const [dns, zone] = [await t.main.dns(), await t.zone()];
  await t.main.call('dns.change', must(changes[0], 'a change').next?.name ?? 'removal', (call) =>
    dns.change(zone, changes, call),
  );
}

async function records(
  t: Trial,
  filter: { readonly name?: string; readonly type?: RecordSet['type'] },
): Promise<readonly RecordSet[]> {
  const dns = await t.main.dns();
  const zone: Zone = await t.zone();
  return t.main.call('dns.records', zone.name, (call) => Array.fromAsync(dns.records(zone, filter, call)));
}

function read(t: Trial, name: string): Promise<readonly RecordSet[]> {
  return records(t, { name });
}
