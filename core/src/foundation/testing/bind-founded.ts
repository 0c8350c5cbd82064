import { z } from 'zod';
import { bindProvider, type BoundProvider } from '../../host/drivers.ts';
import { makeHost } from '../../host/host.ts';
import { defineProvider } from '../../provider/provider.ts';
import type { Deal } from '../../slot/testing/deal.ts';
import type { World } from '../../slot/testing/world.ts';
import type { FoundationOutputs } from '../outputs.ts';
import type { MemoryFoundation } from './memory-foundation.ts';

const config = z.strictObject({ place: z.string().default('here'), size: z.string().default('small') });
export const DOMAIN = 'shop.example.test';

/** The cloud of a world whose drivers stand on a foundation, as the host binds it. */
export function bindFounded(
  world: Pick<World, 'cloud' | 'capabilities' | 'stoodOn' | 'storage' | 'dns' | 'clock'>,
  foundation: MemoryFoundation,
  by: { readonly config: unknown; readonly deal: Deal; readonly foundations: FoundationOutputs },
): BoundProvider {
  const { clock, stoodOn } = world;
  const { deal } = by;
  const provider = defineProvider<typeof config, unknown>({
    id: 'memory',
    domain: DOMAIN,
    config,
    examples: {},
    capabilities: () => world.capabilities,
    permissions: () => [],
    errorOf: () => undefined,
    place: ({ place }) => place,
    drivers: {
      environments: async (to) => {
        stoodOn.push(to.foundation);
        return world.cloud.environments(deal);
      },
      slots: async () => world.cloud.router(deal),
      storage: async () => world.storage.driver(deal),
      dns: async () => world.dns.provider(deal),
      foundation: async (to) => foundation.driver(deal, to.config),
    },
  });
  const { host } = makeHost({
    project: 'shop',
    stage: 'default',
    env: {},
    now: () => clock.now(),
    sleep: (seconds, ended) => clock.sleep(seconds, ended),
    pace: async () => undefined,
    emit: () => undefined,
    secret: async () => '',
    folder: async () => '/dev/null',
  });
  return bindProvider(provider, by.config, host, (bound) => by.foundations.of(bound));
}
