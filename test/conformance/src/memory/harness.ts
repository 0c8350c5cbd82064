import type { Provider } from '@clusternator/core/provider';
import type { Harness } from '../kit/harness.ts';
import type { WireCall } from '../proxy/wire.ts';
import { accountOf } from './account.ts';
import { MemoryCloud, PAGE_SIZE, type Quirks } from './cloud.ts';
import { memoryEnvironment } from './environments.ts';
import { memoryProvider } from './provider.ts';
import { memorySlot } from './slots.ts';

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
      'foundation.ensure': 3,
      'foundation.destroy': 3,
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

export default harnessOf(memoryProvider, import.meta.url);
