import { CreateClusterCommand, DeleteClusterCommand, DescribeClustersCommand } from '@aws-sdk/client-ecs';
import { DeleteLogGroupCommand } from '@aws-sdk/client-cloudwatch-logs';
import type { Account, Harness, Stranger, Target, Thing } from '@clusternator/conformance';
import { makeHost } from '@clusternator/core/kit';
import { defineProvider, type Connection, type FoundationDriver, type Host } from '@clusternator/core/provider';
import { startEmulator, type EmulatorName } from '@clusternator/emulators/emulator';
import { tagNewBuckets } from '@clusternator/emulators/tagged-buckets';
import { errorOf } from '../../errors.ts';
import { awsRefusals } from '../../testing/kit-refusals.ts';
import { openClients, type Clients } from '../clients.ts';
import { foundationConfigSchema, type FoundationConfig } from '../config.ts';
import { openFoundation } from '../open-foundation.ts';
import { isMutating, REGION, SERVICES } from './foundation-scene.ts';
import { thingsOf } from './things.ts';

const KEYS = { AWS_ACCESS_KEY_ID: 'kit', AWS_SECRET_ACCESS_KEY: 'kit', AWS_REGION: REGION };
const DOMAIN = 'preview.example.com';

/** Which foundation, and what there is of it in an account. */
export interface Ground<F> {
  readonly kind: FoundationConfig['kind'];
  /** What MiniStack has to load. */
  readonly services: readonly string[];
  open(to: Connection<FoundationConfig, undefined>): FoundationDriver<F>;
  things(raw: Clients): Promise<readonly Thing[]>;
  stranger(raw: Clients): Stranger;
  readonly floors: Harness['floors'];
}

/** Foundations of containers alone: what stands on one has a harness of its own. */
export function foundationKit(emulator: EmulatorName, module: string): Harness {
  const floors = { 'foundation.ensure': 52, 'foundation.destroy': 45 };
  return groundKit(emulator, module, {
    ...{ kind: 'containers', services: SERVICES, open: openFoundation, things: thingsOf, stranger: strangerIn, floors },
  });
}

/** The kit on a foundation of either kind. */
export function groundKit<F>(emulator: EmulatorName, module: string, ground: Ground<F>): Harness {
  const provider = defineProvider<typeof foundationConfigSchema, F>({
    id: 'aws',
    config: foundationConfigSchema,
    examples: { [ground.kind]: { region: REGION, kind: ground.kind } },
    capabilities: () => ({}),
    permissions: () => [],
    errorOf,
    drivers: { foundation: (to) => Promise.resolve(ground.open(to)) },
  });
  return {
    module,
    provider,
    settleSeconds: 300,
    refusals: awsRefusals,
    ...(ground.floors && { floors: ground.floors }),
    async open(tools): Promise<Account> {
      const { url, end } = await startEmulator(emulator, ground.services);
      const tagged = await tagNewBuckets(url);
      const fronts = await Promise.all([url, tagged.url].map((target) => tools.proxy({ url: target }, { isMutating })));
      const [front = '', ofBuckets = ''] = fronts.map((one) => ('url' in one ? one.url : ''));
      const around = hostOf({ project: 'raw', stage: 'raw' }, { AWS_ENDPOINT_URL: url });
      const raw = await openClients({ region: REGION }, around.host);
      return {
        config: { region: REGION, kind: ground.kind },
        env: { ...KEYS, AWS_ENDPOINT_URL: front, AWS_ENDPOINT_URL_S3: ofBuckets },
        domain: DOMAIN,
        foundationDomain: DOMAIN,
        inventory: () => ground.things(raw),
        stranger: ground.stranger(raw),
        async end() {
          await around.close();
          await tagged.end();
          await end();
        },
      };
    },
  };
}

/** As the driver of a project and stage names things. */
export function hostOf(owner: Target['owner'], env: Host['env'] = {}): ReturnType<typeof makeHost> {
  return makeHost({
    ...owner,
    env: { ...KEYS, ...env },
    now: () => new Date(),
    sleep: () => Promise.resolve(),
    pace: () => Promise.resolve(),
    emit: () => {},
    secret: () => Promise.reject(new Error('no secret has a value here')),
    folder: () => Promise.reject(new Error('there are no artefacts here')),
  });
}

/** Plants a cluster. Removes it, or the log group of a foundation. */
function strangerIn({ ecs, logs }: Clients): Stranger {
  const nameOf = ({ owner }: Target, kind: string) =>
    hostOf(owner).host.name(['clusternator', kind], { maxLength: 63 });
  const planted = new Set<string>();
  return {
    async plant(target) {
      const clusterName = nameOf(target, 'cluster');
      await ecs.send(new CreateClusterCommand({ clusterName }));
      planted.add(clusterName);
    },
    async isAsPlanted(target) {
      const asked = new DescribeClustersCommand({ clusters: [nameOf(target, 'cluster')], include: ['TAGS'] });
      const [found] = (await ecs.send(asked)).clusters ?? [];
      return found?.status === 'ACTIVE' && (found.tags ?? []).length === 0;
    },
    async remove(target) {
      const cluster = nameOf(target, 'cluster');
      if (planted.delete(cluster)) await ecs.send(new DeleteClusterCommand({ cluster }));
      else await logs.send(new DeleteLogGroupCommand({ logGroupName: nameOf(target, 'logs') }));
    },
  };
}
