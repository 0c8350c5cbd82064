import { makeHost } from '@clusternator/core/kit';
import type { Account, Stranger, Target, Thing } from '../kit/harness.ts';
import type { Collection, Item, MemoryCloud } from './cloud.ts';

const COLLECTIONS = {
  environment: 'environments',
  slot: 'slots',
  volume: 'volumes',
  snapshot: 'snapshots',
  foundation: 'grounds',
} as const;
const PLANTED = 'planted';

/** The memory cloud as an account of the kit: what is in it, and somebody else who has access to it. */
export function accountOf(
  cloud: MemoryCloud,
  config: { readonly endpoint: string; readonly edgePort: number },
): Account {
  const find = (target: Target): Item | undefined => cloud.items[COLLECTIONS[target.type]].get(nameOf(target));
  const stranger: Stranger = {
    async plant(target) {
      const item: Item = {
        name: nameOf(target),
        seq: 0,
        version: 1,
        state: 'active',
        tags: { owner: PLANTED },
        spec: emptySpec(),
      };
      cloud.items[COLLECTIONS[target.type]].set(item.name, item);
    },
    isAsPlanted: async (target) => find(target)?.version === 1 && find(target)?.tags.owner === PLANTED,
    async remove(target) {
      cloud.items[COLLECTIONS[target.type]].delete(nameOf(target));
    },
    async annotate(target) {
      const item = find(target);
      if (item) Object.assign(item, { tags: { ...item.tags, theirs: 'kept' }, version: item.version + 1 });
    },
    isAnnotated: async (target) => find(target)?.tags.theirs === 'kept',
    async reroute(slot, environment) {
      await fetch(`${config.endpoint}/v1/slots/${nameOf(slot)}/routes`, {
        method: 'PUT',
        headers: { authorization: 'Bearer memory', 'if-match': String(find(slot)?.version) },
        body: JSON.stringify({ routes: [{ name: nameOf(environment), percent: 100 }], stamp: 'theirs' }),
      });
    },
  };
  return {
    config,
    env: { MEMORY_TOKEN: 'memory' },
    domain: 'localhost',
    zone: 'kit.test',
    resolve: async (name, type) => cloud.zones.first.resolve(name, type),
    inventory: async () =>
      (Object.keys(COLLECTIONS) as (keyof typeof COLLECTIONS)[]).flatMap((type) =>
        inventoryOf(cloud, COLLECTIONS[type]),
      ), // its own keys
    stranger,
    end: () => cloud.stop(),
  };
}

function inventoryOf(cloud: MemoryCloud, kind: Collection): readonly Thing[] {
  return [...cloud.items[kind].values()].flatMap(({ name, tags, state }) =>
    state === 'deleted' ? [] : [{ kind, name, tags }],
  );
}

function emptySpec(): Item['spec'] {
  return {
    hosts: [],
    services: [],
    sites: {},
    routes: [],
    kind: 'files',
    sizeGiB: 1,
    volume: '',
    volumeId: '',
    takenAt: new Date(0),
  };
}

/** As the drivers name it. */
function nameOf({ type, id, owner }: Target): string {
  const nothing = { env: {}, now: () => new Date(), emit: () => {}, secret: async () => '', folder: async () => '' };
  const { host } = makeHost({ ...owner, ...nothing, sleep: async () => {}, pace: async () => {} });
  // Of a foundation it is one of its parts.
  return host.name([COLLECTIONS[type], type === 'foundation' ? 'firewall' : id], { maxLength: 40 });
}
