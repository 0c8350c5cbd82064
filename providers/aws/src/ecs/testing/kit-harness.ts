import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { DescribeServicesCommand, paginateListServices } from '@aws-sdk/client-ecs';
import { CreateRepositoryCommand, ECRClient } from '@aws-sdk/client-ecr';
import {
  DescribeTagsCommand,
  DescribeRulesCommand,
  DescribeTargetGroupsCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { writeApp, type Account, type Harness, type Thing } from '@clusternator/conformance';
import { defineProvider } from '@clusternator/core/provider';
import { startDataPlane } from '@clusternator/emulators/data-plane';
import { startEmulator, type EmulatorName } from '@clusternator/emulators/emulator';
import { slotCapabilities } from '../../alb/capabilities.ts';
import { openSlots } from '../../alb/open-slots.ts';
import { slotPermissions } from '../../alb/permissions.ts';
import { loadBalancerRateLimits } from '../../alb/rate-limits.ts';
import { configSchema } from '../../config.ts';
import { errorOf } from '../../errors.ts';
import { outputsSchema, type AwsFoundation } from '../../foundation/outputs.ts';
import { givenEnvironment, givenFoundation } from '../../foundation/testing/given-foundation.ts';
import { fromAwsTags } from '../../storage/aws-tags.ts';
import { environmentCapabilities } from '../capabilities.ts';
import { fromEcsTags } from '../ecs-tags.ts';
import { awsEnvironment } from '../environment-view.ts';
import { openEnvironments } from '../open-environments.ts';
import { environmentPermissions } from '../permissions.ts';
import { environmentRateLimits } from '../rate-limits.ts';
import { isMutating } from './ecs-scene.ts';
import { rawClients, rawFoundation, type RawClients } from './raw-foundation.ts';

const run = promisify(execFile);
const DOMAIN = 'kit.example';
const REGION = 'us-east-1';
const KEYS = { accessKeyId: 'kit', secretAccessKey: 'kit' };

/** Environments and slots alone, on a foundation that is there. */
const provider = defineProvider<typeof configSchema, AwsFoundation>({
  id: 'aws',
  config: configSchema,
  examples: { containers: { region: REGION } },
  capabilities: () => ({ ...environmentCapabilities, ...slotCapabilities({}) }),
  permissions: (config) => [...environmentPermissions(config), ...slotPermissions(config)],
  rateLimits: { ...environmentRateLimits, ...loadBalancerRateLimits },
  errorOf,
  drivers: {
    environments: openEnvironments,
    slots: openSlots,
    foundation: ({ host }) => givenFoundation(host, outputsSchema),
  },
});

/** Environments and slots, as containers behind a load balancer that answers. */
export function kitOn(emulator: EmulatorName, module: string): Harness {
  return {
    module,
    provider,
    settleSeconds: 120,
    followSeconds: 10,
    natives: { environments: awsEnvironment },
    async open(tools): Promise<Account> {
      const { url, end } = await startEmulator(emulator, 'all');
      const plane = await startDataPlane({ emulator: url });
      const raw = rawClients({ region: REGION, endpoint: plane.endpoint, credentials: KEYS });
      const foundation = await rawFoundation(raw, 'kit', REGION);
      const front = await tools.proxy({ url: plane.endpoint }, { isMutating });
      const image = await pushApp(plane.endpoint, tools.folder);
      const listener = await plane.addressOf(foundation.loadBalancer.dnsName, 80);
      const { hostname: host, port } = new URL(`http://${listener ?? ''}`);
      return {
        config: { region: REGION },
        env: givenEnvironment(front, REGION, KEYS, foundation),
        domain: DOMAIN,
        image,
        dial: () => ({ host, port: Number(port) }),
        inventory: () => inventory(raw, foundation),
        async end() {
          for (const client of Object.values(raw)) client.destroy();
          await plane.end();
          await end();
        },
      };
    },
    floors: {
      'environments.ensure': 4,
      'environments.destroy': 6,
      'environments.scale': 1,
      'slots.ensure': 3,
      'slots.route': 3,
      'slots.destroy': 3,
    },
  };
}

/** Node and the kit's program, with the libraries that Node needs. @returns The image by its digest. */
async function pushApp(endpoint: string, folder: string): Promise<string> {
  const top = path.join(folder, 'image');
  writeApp(path.join(top, 'app'));
  const { stdout: libraries } = await run('ldd', [process.execPath]);
  for (const [file = ''] of libraries.matchAll(/\/\S+/g)) {
    mkdirSync(path.join(top, path.dirname(file)), { recursive: true });
    copyFileSync(file, path.join(top, file));
  }
  copyFileSync(process.execPath, path.join(top, 'node'));
  const ecr = new ECRClient({ endpoint, region: REGION, credentials: KEYS });
  const { repository } = await ecr.send(new CreateRepositoryCommand({ repositoryName: 'kit' }));
  ecr.destroy();
  const name = `${repository?.repositoryUri ?? ''}:1`;
  const settings = ['CMD ["/node","server.mjs"]', 'WORKDIR /app'];
  const changes = settings.map((change) => `--change '${change}'`).join(' ');
  await run('sh', ['-c', `tar -C "$0" -c . | docker import ${changes} - "$1"`, top, name]);
  const { stdout } = await run('docker', ['push', name]);
  await run('docker', ['image', 'rm', name]);
  return `${repository?.repositoryUri ?? ''}@${/digest: (sha256:[0-9a-f]{64})/.exec(stdout)?.[1] ?? ''}`;
}

/** What runs, answers or leads somewhere. Of task definitions nothing runs by itself. */
async function inventory({ ecs, elb }: RawClients, foundation: AwsFoundation): Promise<readonly Thing[]> {
  const { cluster } = foundation;
  const things: Thing[] = [];
  for await (const { serviceArns = [] } of paginateListServices({ client: ecs }, { cluster, maxResults: 10 })) {
    if (serviceArns.length === 0) continue;
    const asked = new DescribeServicesCommand({ cluster, services: serviceArns, include: ['TAGS'] });
    for (const { status, serviceName = '', tags } of (await ecs.send(asked)).services ?? []) {
      if (status === 'ACTIVE') things.push({ kind: 'service', name: serviceName, tags: fromEcsTags(tags) });
    }
  }
  const { TargetGroups = [] } = await elb.send(new DescribeTargetGroupsCommand({}));
  const { Rules = [] } = await elb.send(new DescribeRulesCommand({ ListenerArn: foundation.loadBalancer.http }));
  const arns = [
    ...TargetGroups.map(({ TargetGroupArn = '' }) => TargetGroupArn),
    ...Rules.filter(({ IsDefault }) => IsDefault !== true).map(({ RuleArn = '' }) => RuleArn),
  ];
  for (let at = 0; at < arns.length; at += 20) {
    const asked = new DescribeTagsCommand({ ResourceArns: arns.slice(at, at + 20) });
    for (const { ResourceArn: name = '', Tags } of (await elb.send(asked)).TagDescriptions ?? []) {
      things.push({ kind: 'load balancing', name, tags: fromAwsTags(Tags) });
    }
  }
  return things;
}
