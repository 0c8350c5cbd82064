import type {
  ContainerDefinition,
  MountPoint,
  RegisterTaskDefinitionCommandInput,
  Secret as EcsSecret,
  Volume,
} from '@aws-sdk/client-ecs';
import { ProviderError, type Host, type ServiceSpec } from '@clusternator/core/provider';
import type { AwsFoundation } from '../foundation/outputs.ts';
import { toEcsTags } from './ecs-tags.ts';
import { mustHaveSize } from './fargate-size.ts';
import { serviceNative } from './native.ts';
import type { PlannedService } from './plan.ts';

/** What a task definition refers to. */
export interface TaskNeeds {
  /** By service: where it answers. */
  readonly hosts: Readonly<Record<string, string>>;
  /** The ARN of the secret with the values that have no reference of their own. */
  readonly secret?: string;
}

/**
 * Of one container, by the image's digest. Its log goes to a stream that begins with the environment and the service.
 * @throws ProviderError `invalid`: a size that Fargate does not sell, an image that is nowhere but on this machine.
 */
export function taskDefinitionRequest(
  { host, foundation }: { readonly host: Host; readonly foundation: AwsFoundation },
  planned: PlannedService,
  needs: TaskNeeds,
): RegisterTaskDefinitionCommandInput {
  const { environment, service, spec, name } = planned;
  const size = mustHaveSize(service, spec.cpus, spec.memoryMiB);
  const native = serviceNative(service, spec.native);
  const { volumes, mountPoints } = mountsOf(service, spec);
  const container: ContainerDefinition = {
    name: service,
    image: imageOf(service, spec),
    essential: true,
    memory: size.memory,
    ...(spec.command && { command: [...spec.command] }),
    ...(spec.port !== undefined && { portMappings: [{ containerPort: spec.port, protocol: 'tcp' as const }] }),
    environment: Object.entries({ ...spec.env, ...needs.hosts }).map(([key, value]) => ({ name: key, value })),
    secrets: secretsOf(spec, needs.secret),
    mountPoints,
    // What a command leaves behind when its session ends is reaped.
    linuxParameters: { initProcessEnabled: true },
    logConfiguration: {
      logDriver: 'awslogs',
      options: {
        'awslogs-group': foundation.logGroup,
        'awslogs-region': foundation.region,
        'awslogs-stream-prefix': planned.key,
      },
    },
  };
  const request: RegisterTaskDefinitionCommandInput = {
    family: name,
    networkMode: 'awsvpc',
    requiresCompatibilities: ['FARGATE'],
    cpu: String(size.cpu),
    memory: String(size.memory),
    executionRoleArn: foundation.roles.execution,
    taskRoleArn: foundation.roles.task,
    containerDefinitions: [host.merge(container, native.container)],
    volumes,
  };
  return { ...host.merge(request, native.taskDefinition), family: name, tags: toEcsTags(environment.tags) };
}

/** Variables whose secrets have no reference. */
export function ownSecrets({ secrets }: ServiceSpec): ServiceSpec['secrets'] {
  return Object.fromEntries(Object.entries(secrets).filter(([, { reference }]) => reference === undefined));
}

function imageOf(service: string, { artefact }: ServiceSpec): string {
  if (artefact.kind === 'image' && artefact.reference.includes('@sha256:')) return artefact.reference;
  throw new ProviderError('invalid', `service ${service} has no image in a registry that Fargate could fetch`, {
    path: `services.${service}`,
    hint: 'build it, so that it is pushed to the repository of the foundation, or name an image of a registry',
  });
}

/** @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html (a key of a secret's JSON) */
function secretsOf({ secrets }: ServiceSpec, own: string | undefined): EcsSecret[] {
  return Object.entries(secrets).map(([variable, { reference }]) => ({
    name: variable,
    valueFrom: reference ?? `${own ?? ''}:${variable}::`,
  }));
}

function mountsOf(service: string, { mounts }: ServiceSpec): { volumes: Volume[]; mountPoints: MountPoint[] } {
  const all = Object.entries(mounts).map(([containerPath, { volume, readOnly }], at) => {
    const { fileSystemId, accessPointId } = volume.handle;
    if (volume.kind !== 'files' || fileSystemId === undefined || accessPointId === undefined) {
      throw new ProviderError(
        'unsupported',
        `service ${service} can't mount volume ${volume.id}: it is of no file system`,
        {
          path: `services.${service}.volumes`,
          hint: 'take `kind: files`',
        },
      );
    }
    const name = `volume-${String(at)}`;
    return {
      volume: {
        name,
        efsVolumeConfiguration: {
          fileSystemId,
          transitEncryption: 'ENABLED' as const,
          authorizationConfig: { accessPointId, iam: 'DISABLED' as const },
        },
      },
      mountPoint: { sourceVolume: name, containerPath, readOnly },
    };
  });
  return { volumes: all.map(({ volume }) => volume), mountPoints: all.map(({ mountPoint }) => mountPoint) };
}
