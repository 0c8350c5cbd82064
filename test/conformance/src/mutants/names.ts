import {
  ProviderError,
  type Call,
  type DnsProvider,
  type RecordChange,
  type RecordSet,
  type Zone,
  type ZoneMaker,
} from '@clusternator/core';
import { z } from 'zod';
import { CloudClient, type Ask } from '../memory/client.ts';
import { wrong, type Mutant } from './mutant.ts';

/** Takes a change for served as soon as it was taken. */
class DoesNotWaitForServers extends CloudClient {
  override async ask<T>(asked: Ask<T>, call: Call): Promise<T> {
    if (asked.method === 'GET' && asked.path.includes('/changes/')) return asked.schema.parse({ isServed: true });
    return super.ask(asked, call);
  }
}
/** Changes what is written. */
function writing(change: (set: RecordSet) => RecordSet) {
  return changing((right, zone, changes, call) =>
    right.change(
      zone,
      changes.map(({ expected, next }) => ({ expected, next: next && change(next) })),
      call,
    ),
  );
}
function changing(
  act: (right: DnsProvider, zone: Zone, changes: readonly RecordChange[], call: Call) => Promise<void>,
) {
  return wrong({ drivers: { dns: (right) => ({ change: (zone, changes, call) => act(right, zone, changes, call) }) } });
}

/** Makes and removes zones otherwise. */
function zoning(act: (right: ZoneMaker, client: CloudClient, dns: DnsProvider) => Partial<ZoneMaker>) {
  return wrong({
    drivers: {
      dns: (dns, _host, client) => {
        if (!dns.ownZones) throw new Error('it makes no zones');
        return { ownZones: { ...dns.ownZones, ...act(dns.ownZones, client, dns) } };
      },
    },
  });
}

export const dnsMutants: readonly Mutant[] = [
  {
    id: 'tells-another-ttl',
    says: 'tells the same TTL of every record',
    caughtBy: ['dns/a-second-run-makes-no-change'],
    provider: wrong({
      drivers: {
        dns: (right) => ({
          async *records(zone, filter, call) {
            for await (const set of right.records(zone, filter, call)) yield { ...set, ttlSeconds: 300 };
          },
        }),
      },
    }),
  },
  {
    id: 'adds-before-it-removes',
    says: 'makes the new records before it removes the old ones',
    caughtBy: ['dns/a-cname-is-swapped-for-an-a'],
    provider: changing(async (right, zone, changes, call) => {
      const [added, removed] = [
        changes.filter(({ expected }) => !expected),
        changes.filter(({ expected }) => expected),
      ];
      for (const part of [added, removed]) if (part.length > 0) await right.change(zone, part, call);
    }),
  },
  {
    id: 'clamps-ttls',
    says: 'takes the longest TTL that there is for a longer one',
    caughtBy: ['dns/a-ttl-out-of-range-is-told'],
    provider: writing((set) => ({ ...set, ttlSeconds: Math.min(set.ttlSeconds, 86_400) })),
  },
  {
    id: 'cuts-texts',
    says: 'keeps the first 255 characters of a text',
    caughtBy: ['dns/texts-come-back-whole'],
    provider: writing((set) =>
      set.type === 'TXT' ? { ...set, values: set.values.map((text) => text.slice(0, 255)) } : set,
    ),
  },
  {
    id: 'takes-a-wildcard-for-its-parent',
    says: 'writes the records of a wildcard to the name below it',
    caughtBy: ['dns/names-of-every-kind'],
    provider: writing((set) => ({ ...set, name: set.name.replace(/^\*\./, '') })),
  },
  {
    id: 'compares-in-order',
    says: 'takes values in another order for others',
    caughtBy: ['dns/the-order-of-values-is-no-change'],
    provider: changing(async (right, zone, changes, call) => {
      for (const { expected } of changes) {
        if (!expected) continue;
        for await (const set of right.records(zone, { name: expected.name, type: expected.type }, call)) {
          if (JSON.stringify(set.values) === JSON.stringify(expected.values)) continue;
          throw new ProviderError('conflict', `${set.name} is not as expected`);
        }
      }
      await right.change(zone, changes, call);
    }),
  },
  {
    id: 'changes-one-by-one',
    says: 'makes the changes of one call one after the other',
    caughtBy: ['dns/an-expectation-that-fails-leaves-all-records'],
    provider: changing(async (right, zone, changes, call) => {
      for (const change of changes) await right.change(zone, [change], call);
    }),
  },
  {
    id: 'tidies-the-zone',
    says: "gives the zone's own records a shorter TTL on the way",
    caughtBy: ['dns/foreign-records-are-untouched'],
    provider: changing(async (right, zone, changes, call) => {
      for await (const set of right.records(zone, { name: zone.name, type: 'NS' }, call)) {
        if (set.ttlSeconds !== 60)
          await right.change(zone, [{ expected: set, next: { ...set, ttlSeconds: 60 } }], call);
      }
      await right.change(zone, changes, call);
    }),
  },
  {
    id: 'returns-before-the-servers-answer',
    says: 'returns once a change was taken',
    caughtBy: ['dns/done-means-that-the-servers-answer-so'],
    provider: wrong({ client: DoesNotWaitForServers }),
  },
  {
    id: 'writes-a-cname-for-an-alias',
    says: 'writes a CNAME where an ALIAS was asked for',
    caughtBy: ['dns/an-alias-has-the-addresses-of-its-target'],
    provider: writing((set) => (set.type === 'ALIAS' ? { ...set, type: 'CNAME' } : set)),
  },
  {
    id: 'makes-a-zone-each-time',
    says: 'makes another zone of the same name for another call',
    caughtBy: ['dns/a-zone-is-made-once-and-told-as-its-own'],
    provider: zoning((right, client) => ({
      async ensure(name, tags, call) {
        const id = call.token('zone');
        const asked = { method: 'PUT', path: `zones/${id}`, body: { name, tags }, schema: z.unknown() } as const;
        await client.ask(asked, call).catch(() => undefined); // it is there
        return { ...(await right.ensure(name, tags, call)), id };
      },
    })),
  },
  {
    id: 'empties-a-zone-that-it-removes',
    says: 'removes what others have in a zone, and then the zone',
    caughtBy: ['dns/a-zone-goes-unless-it-holds-something'],
    provider: zoning((right, _client, dns) => ({
      async remove(zone, call) {
        for await (const set of dns.records(zone, {}, call))
          if (set.name !== zone.name) await dns.change(zone, [{ expected: set, next: null }], call);
        await right.remove(zone, call);
      },
    })),
  },
];

export const stateMutants: readonly Mutant[] = [
  {
    id: 'writes-without-a-condition',
    says: 'writes a document whatever is there by now',
    caughtBy: ['state/of-twenty-writers-one-wins', 'state/a-paused-owner-is-refused-after-a-takeover'],
    provider: wrong({
      drivers: {
        state: (right) => ({
          put: async (key, value, _expected, call) => {
            for (;;) {
              const there = await right.get(key, call);
              const written = await right.put(key, value, there?.revision ?? null, call).catch(() => undefined);
              if (written !== undefined) return written;
            }
          },
        }),
      },
    }),
  },
  {
    id: 'goes-by-its-own-clock',
    says: 'refuses to write what its clock takes for older than what is there',
    caughtBy: ['state/a-wrong-clock-changes-nothing'],
    provider: wrong({
      drivers: {
        state: (right, host) => {
          const writtenAt = new Map<string, number>();
          return {
            put: async (key, value, expected, call) => {
              const now = host.now().getTime();
              if (now < (writtenAt.get(key) ?? 0)) throw new ProviderError('conflict', `${key} is newer`);
              writtenAt.set(key, now);
              return right.put(key, value, expected, call);
            },
          };
        },
      },
    }),
  },
  {
    id: 'mangles-text',
    says: 'keeps the characters of Latin 1 alone',
    caughtBy: ['state/older-schemas-are-read-and-newer-ones-refused'],
    provider: wrong({
      drivers: {
        state: (right) => ({
          put: (key, value, expected, call) =>
            right.put(key, Buffer.from(value, 'latin1').toString('latin1'), expected, call),
        }),
      },
    }),
  },
  {
    id: 'lists-the-newest-first',
    says: 'lists documents in an order of its own',
    caughtBy: ['state/lists-are-by-key-and-of-the-prefix-alone'],
    provider: wrong({
      drivers: {
        state: (right) => ({
          async *list(prefix, call) {
            yield* (await Array.fromAsync(right.list(prefix, call))).reverse();
          },
        }),
      },
    }),
  },
];
