import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { paginateDescribeAutoScalingGroups } from '@aws-sdk/client-auto-scaling';
import { DescribeInstancesCommand, DescribeLaunchTemplatesCommand } from '@aws-sdk/client-ec2';
import { DescribeRulesCommand, DescribeTargetGroupsCommand } from '@aws-sdk/client-elastic-load-balancing-v2';
import { ListObjectVersionsCommand } from '@aws-sdk/client-s3';
import { ListSecretsCommand } from '@aws-sdk/client-secrets-manager';
import type { ServiceSpec, Volume } from '@clusternator/core';
import type { EmulatorName } from '@clusternator/emulators/emulator';
import { openEitherKind } from '../../environments.ts';
import { openScene, web, type EcsScene, type Kind } from '../../ecs/testing/ecs-scene.ts';

/** The source tree of all services of a scene. */
const FILES: Readonly<Record<string, string>> = {
  'server.mjs': 'console.log("it starts");',
  'lib/deep/part.mjs': 'export const part = 1;',
};
const DIGEST = `sha256:${'b'.repeat(64)}`;

/** A public service that runs a command. */
export function command(more: Partial<ServiceSpec> = {}): ServiceSpec {
  return web({
    artefact: { kind: 'files', digest: DIGEST, bytes: 60 },
    command: ['node', 'server.mjs'],
    install: ['npm', 'ci'],
    ...more,
  });
}

/** One that mounts a disk at `data`, and is given the time that a machine takes. */
export function onDisk(volume: Volume, more: Partial<ServiceSpec> = {}): ServiceSpec {
  const service = command({ mounts: { data: { volume, readOnly: false } }, ...more });
  return { ...service, ...(service.health && { health: { ...service.health, withinSeconds: 300 } }) };
}

/** @param config - More of the provider's config. @param open - Left out: of containers, and of machines. */
export async function openMachineScene(
  emulator: EmulatorName,
  config: Kind['config'] = {},
  open: Kind['open'] = (connection) => Promise.resolve(openEitherKind(connection)),
): Promise<EcsScene> {
  const folder = mkdtempSync(path.join(tmpdir(), 'aws-source-'));
  for (const [file, text] of Object.entries(FILES)) {
    mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
    writeFileSync(path.join(folder, file), text);
  }
  const scene = await openScene(emulator, { open, folder, config });
  return {
    ...scene,
    async end() {
      await scene.end();
      rmSync(folder, { recursive: true });
    },
  };
}

/** How much there is in the account of what environments on machines consist of, by the cloud's own lists. */
export async function machineThings({ raw, foundation }: EcsScene): Promise<Readonly<Record<string, number>>> {
  let groups = 0;
  for await (const { AutoScalingGroups = [] } of paginateDescribeAutoScalingGroups({ client: raw.scaling }, {}))
    groups += AutoScalingGroups.length;
  const inListener = new DescribeRulesCommand({ ListenerArn: foundation.loadBalancer.http });
  const { Versions = [], DeleteMarkers = [] } = await raw.s3.send(
    new ListObjectVersionsCommand({ Bucket: foundation.bucket }),
  );
  const { Reservations = [] } = await raw.ec2.send(
    new DescribeInstancesCommand({ Filters: [{ Name: 'instance-state-name', Values: ['running', 'pending'] }] }),
  );
  return {
    groups,
    instances: Reservations.flatMap(({ Instances = [] }) => Instances).length,
    launchTemplates: (await raw.ec2.send(new DescribeLaunchTemplatesCommand({}))).LaunchTemplates?.length ?? 0,
    targetGroups: (await raw.elb.send(new DescribeTargetGroupsCommand({}))).TargetGroups?.length ?? 0,
    rules: (await raw.elb.send(inListener)).Rules?.length ?? 0,
    secrets: (await raw.secrets.send(new ListSecretsCommand({}))).SecretList?.length ?? 0,
    sources: Versions.length + DeleteMarkers.length,
  };
}
