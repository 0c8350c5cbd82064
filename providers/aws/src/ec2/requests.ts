import type { CreateAutoScalingGroupCommandInput } from '@aws-sdk/client-auto-scaling';
import type { CreateLaunchTemplateCommandInput, ResourceType } from '@aws-sdk/client-ec2';
import type { CreateTargetGroupCommandInput } from '@aws-sdk/client-elastic-load-balancing-v2';
import type { Call } from '@clusternator/core/provider';
import {
  HOST_TAG,
  INSTANCES_TAG,
  ROUTE_TAG,
  RULE_TAG,
  SECRET_TAG,
  SERVICE_TAG,
  SERVICES_TAG,
} from '../ecs/ecs-tags.ts';
import { firstInstances, type PlannedService } from '../ecs/plan.ts';
import { targetGroupRequest } from '../ecs/service-requests.ts';
import { toAwsTags } from '../storage/aws-tags.ts';
import type { MachineParts } from './clients.ts';
import { disksOf } from './disks.ts';
import { instanceType } from './instance-types.ts';
import { machineNative } from './native.ts';
import type { Source } from '../sources/sources.ts';
import { DISKS_TAG, SOURCE_TAG, TEMPLATE_TAG } from './tags.ts';
import { userData } from './user-data.ts';

/** A machine has so long to start, to install packages and what the service wants, before it is judged. */
const BOOT_SECONDS = 600;
/** A template is never changed: another version is somebody else's doing. */
const VERSION = '1';

type Surroundings = Pick<MachineParts, 'host' | 'foundation' | 'machine'>;

/** What was made for a service before its group. */
export interface MadeForGroup {
  /** The id of its launch template. */
  readonly template: string;
  readonly targetGroup?: string;
  readonly rule?: string;
  /** The name of its secret. */
  readonly secret?: string;
  /** Where its disks are. Left out: in all zones. */
  readonly subnets?: readonly string[];
}

/** Its targets are machines. */
export function machineTargets(
  { host, foundation }: Surroundings,
  planned: PlannedService,
  port: number,
): CreateTargetGroupCommandInput {
  const { targetGroup } = machineNative(planned.service, planned.spec.native);
  const spec = { ...planned.spec, native: { ...(targetGroup && { targetGroup }) } };
  return { ...targetGroupRequest({ host, foundation }, { ...planned, spec }, port), TargetType: 'instance' };
}

/**
 * Machines without a key, whose metadata wants a token, on an encrypted disk: Systems Manager leads into them in place of SSH.
 * @throws ProviderError `invalid`: more than EC2 takes.
 */
export function launchTemplateRequest(
  { host, foundation, machine }: Surroundings,
  planned: PlannedService,
  { source, secret }: { readonly source: Source; readonly secret?: string },
  call: Call,
): CreateLaunchTemplateCommandInput {
  const { environment, service, spec, name } = planned;
  const tags = toAwsTags({ Name: `${host.project} ${host.stage}: ${service}`, ...environment.tags });
  const tagged = (ResourceType: ResourceType): { ResourceType: ResourceType; Tags: typeof tags } => ({
    ResourceType,
    Tags: tags,
  });
  const type = machine.type ?? instanceType(spec.cpus, spec.memoryMiB);
  const data: CreateLaunchTemplateCommandInput['LaunchTemplateData'] = {
    // One that a parameter names is found as a machine starts: what replaces another after months has today's system.
    ImageId: machine.image.startsWith('/') ? `resolve:ssm:${machine.image}` : machine.image,
    ...(type !== undefined && { InstanceType: type as NonNullable<typeof data>['InstanceType'] }),
    IamInstanceProfile: { Arn: foundation.roles.instanceProfile },
    UserData: Buffer.from(
      userData(planned, { foundation, machine, source, ...(secret !== undefined && { secret }) }),
    ).toString('base64'),
    MetadataOptions: { HttpEndpoint: 'enabled', HttpTokens: 'required', HttpPutResponseHopLimit: 1 },
    BlockDeviceMappings: [
      {
        DeviceName: machine.rootDevice,
        Ebs: { Encrypted: true, VolumeType: 'gp3', VolumeSize: machine.diskGiB, DeleteOnTermination: true },
      },
    ],
    NetworkInterfaces: [
      {
        DeviceIndex: 0,
        Groups: [foundation.securityGroups.app],
        AssociatePublicIpAddress: foundation.tasks.publicAddress,
        DeleteOnTermination: true,
      },
    ],
  };
  const native = machineNative(service, spec.native).launchTemplate;
  return {
    LaunchTemplateName: name,
    ClientToken: call.token(`launch template ${name}`),
    LaunchTemplateData: {
      ...host.merge(data, native),
      TagSpecifications: [tagged('instance'), tagged('volume'), tagged('network-interface')],
    },
    TagSpecifications: [tagged('launch-template')],
  };
}

/** Its tags tell what `read` and `destroy` need to know of what was made with it. */
export function groupRequest(
  { host, foundation }: Surroundings,
  planned: PlannedService,
  made: MadeForGroup,
): CreateAutoScalingGroupCommandInput {
  const { environment, service, spec, name, route } = planned;
  const size = firstInstances(spec);
  const disks = disksOf(spec);
  const request: CreateAutoScalingGroupCommandInput = {
    AutoScalingGroupName: name,
    LaunchTemplate: { LaunchTemplateId: made.template, Version: VERSION },
    MinSize: size,
    MaxSize: size,
    DesiredCapacity: size,
    VPCZoneIdentifier: (made.subnets ?? foundation.tasks.subnets).join(','),
    ...(made.targetGroup !== undefined && { TargetGroupARNs: [made.targetGroup] }),
    HealthCheckType: 'ELB',
    HealthCheckGracePeriod: BOOT_SECONDS + (spec.health?.withinSeconds ?? 0),
    // What replaces another is started first, but where it could not have the disk of the other.
    InstanceMaintenancePolicy:
      disks.length > 0
        ? { MinHealthyPercentage: 0, MaxHealthyPercentage: 100 }
        : { MinHealthyPercentage: 100, MaxHealthyPercentage: 200 },
  };
  const tags = {
    ...environment.tags,
    [SERVICE_TAG]: service,
    [SERVICES_TAG]: String(Object.keys(environment.services).length),
    [INSTANCES_TAG]: String(size),
    ...(spec.artefact.kind === 'files' && { [SOURCE_TAG]: spec.artefact.digest }),
    [TEMPLATE_TAG]: made.template,
    ...(environment.hosts[0] !== undefined && { [HOST_TAG]: environment.hosts[0] }),
    ...(route && { [ROUTE_TAG]: route.path }),
    ...(made.rule !== undefined && { [RULE_TAG]: made.rule }),
    ...(made.secret !== undefined && { [SECRET_TAG]: made.secret }),
    ...(disks.length > 0 && { [DISKS_TAG]: disks.map(({ volume }) => volume).join(' ') }),
  };
  const native = machineNative(service, spec.native).group;
  return {
    ...host.merge(request, native),
    AutoScalingGroupName: name,
    Tags: toAwsTags(tags).map((tag) => ({
      ...tag,
      ResourceId: name,
      ResourceType: 'auto-scaling-group',
      // Machines have tags of their own, from the template.
      PropagateAtLaunch: false,
    })),
  };
}

/** Whether a group, and all its machines, are of the version that it was made with. */
export function isOfTemplate(
  used: { readonly LaunchTemplateId?: string | undefined; readonly Version?: string | undefined } | undefined,
  template: string | undefined,
): boolean {
  return used?.LaunchTemplateId === template && used?.Version === VERSION;
}
