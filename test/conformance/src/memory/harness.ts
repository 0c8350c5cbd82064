import { makeHost } from '@clusternator/core/kit';
import type { Provider } from '@clusternator/core/provider';
import type { Account, Harness, Stranger, Target, Thing } from '../kit/harness.ts';
import type { WireCall } from '../proxy/wire.ts';
import { MemoryCloud, PAGE_SIZE, type Quirks, type Collection, type Item } from './cloud.ts';
import { memoryEnvironment } from './environments.ts';
import { memoryProvider } from './provider.ts';
import { memorySlot } from './slots.ts';

const COLLECTIONS = {
  environment: 'environments',
  slot: 'slots',
  volume: 'volumes',
  snapshot: 'snapshots',
  foundation: 'environments',
} as const;
const WORDS = {
  environment: 'env',
  slot: 'slot',
  volume: 'volumes',
  snapshot: 'snapshots',
  foundation: 'env',
} as const;
const PLANTED = 'planted';

/** The worked example of a harness. `provider` may be one that is broken on purpose, and `module` whatever gives the same one. */
export function harnessOf(provider: Provider, module: string, quirks?: Quirks): Harness {
  return {
    module,
    provider,
    async open(tools) {
      const cloud = new MemoryCloud(tools.folder, quirks);
      const { url, edgePort } = await cloud.start();
      const front = await tools.proxy({ url });
      return accountOf(cloud, { endpoint: 'url' in front ? front.url : '', edgePort });
    },
    refusals: {
      throttled: { status: 429, headers: { 'retry-after': '1' }, body: '{"error":"SlowDown"}' },
      broken: { status: 500, body: '{"error":"Internal"}' },
      denied: { status: 403, body: '{"error":"Forbidden"}' },
      unauthenticated: { status: 401, body: '{"error":"NoToken"}' },
      expired: { status: 401, body: '{"error":"ExpiredToken"}' },
      quota: { status: 409, body: '{"error":"QuotaExceeded"}' },
      dependency: { status: 404, body: '{"error":"NotVisible"}' },
      unreadable: { status: 404, body: '<html>no such page</html>' },
    },
    pageSize: PAGE_SIZE,
    floors: {
      'environments.ensure': 3,
      'environments.destroy': 1,
      'environments.scale': 1,
      'slots.ensure': 1,
      'slots.route': 1,
      'slots.destroy': 1,
      'volumes.ensure': 1,
      'volumes.destroy': 1,
      'snapshots.ensure': 1,
      'snapshots.destroy': 1,
      'dns.change': 1,
      'state.put': 1,
      'state.delete': 1,
    },
    permissionOf: ({ path, method }: WireCall) => {
      const area = path.split(/[/?]/)[2] ?? '';
      const scope = { bundles: 'environments', volumes: 'storage', snapshots: 'storage' }[area] ?? area;
      return `${scope}:${method === 'GET' ? 'read' : 'write'}`;
    },
    natives: { environments: memoryEnvironment, slots: memorySlot },
    settleSeconds: 20,
  };
}

function accountOf(cloud: MemoryCloud, config: { readonly endpoint: string; readonly edgePort: number }): Account {
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
    resolve: async (name, type) => cloud.zone.resolve(name, type),
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
  return host.name([WORDS[type], id], { maxLength: 40 });
}

export default harnessOf(memoryProvider, import.meta.url);
