import { Resolver } from 'node:dns/promises';
import type { WireRecord } from './message.ts';
import { TYPE_NUMBERS } from './rdata.ts';
import type { NormalRecordSet } from './record-set.ts';
import { addressBytes } from './wire.ts';
import type { ZoneView } from './zone-view.ts';

/** Finds the addresses of a name that no zone of ours has. An empty list is a sure no; anything unsure throws. */
export type AddressLookup = (
  name: string,
  type: 'A' | 'AAAA',
) => Promise<readonly { readonly address: string; readonly ttl: number }[]>;

const MAX_HOPS = 8;

/** The addresses behind an ALIAS, as records of `owner`; nothing when they could not be found out. */
export async function resolveAlias(
  alias: NormalRecordSet,
  type: 'A' | 'AAAA',
  owner: string,
  sources: { viewFor(name: string): ZoneView | undefined; readonly lookup: AddressLookup },
): Promise<readonly WireRecord[] | undefined> {
  let ttlSeconds = alias.ttlSeconds;
  let target = alias.values[0] ?? '';
  for (let hop = 0; hop < MAX_HOPS; hop++) {
    const view = sources.viewFor(target);
    const found = view?.find(target);
    if (found === undefined || found.kind === 'delegation')
      return lookUp(target, type, owner, ttlSeconds, sources.lookup);
    if (found.kind === 'none') return [];
    const set = found.node.get(type);
    if (set !== undefined) {
      const ttl = Math.min(ttlSeconds, set.ttlSeconds);
      return set.data.map(({ wire }) => ({ name: owner, type: TYPE_NUMBERS[type], ttlSeconds: ttl, data: wire }));
    }
    const next = found.node.get('CNAME') ?? found.node.get('ALIAS');
    if (next === undefined) return [];
    ttlSeconds = Math.min(ttlSeconds, next.ttlSeconds);
    target = next.values[0] ?? '';
  }
  return undefined;
}

async function lookUp(
  name: string,
  type: 'A' | 'AAAA',
  owner: string,
  ttlSeconds: number,
  lookup: AddressLookup,
): Promise<readonly WireRecord[] | undefined> {
  try {
    const addresses = await lookup(name, type);
    return addresses.flatMap(({ address, ttl }) => {
      const data = addressBytes(address);
      return data === undefined
        ? []
        : [{ name: owner, type: TYPE_NUMBERS[type], ttlSeconds: Math.min(ttlSeconds, ttl), data }];
    });
  } catch {
    return undefined;
  }
}

/** Asks the machine's own resolvers. */
export function systemLookup(): AddressLookup {
  const resolver = new Resolver({ timeout: 2000, tries: 1 });
  return async (name, type) => {
    try {
      return type === 'A' ? await resolver.resolve4(name, { ttl: true }) : await resolver.resolve6(name, { ttl: true });
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code === 'ENOTFOUND' || code === 'ENODATA') return [];
      throw error;
    }
  };
}
