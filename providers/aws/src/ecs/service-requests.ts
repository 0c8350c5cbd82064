import type { CreateServiceCommandInput } from '@aws-sdk/client-ecs';
import type { CreateTargetGroupCommandInput } from '@aws-sdk/client-elastic-load-balancing-v2';
import type { Call, HealthCheck, Host } from '@clusternator/core/provider';
import type { AwsFoundation } from '../foundation/outputs.ts';
import { toAwsTags } from '../storage/aws-tags.ts';
import {
  HOST_TAG,
  IMAGE_TAG,
  INSTANCES_TAG,
  REVISION_TAG,
  ROUTE_TAG,
  RULE_TAG,
  SECRET_TAG,
  SERVICE_TAG,
  SERVICES_TAG,
  toEcsTags,
} from './ecs-tags.ts';
import { serviceNative } from './native.ts';
import { firstInstances, type PlannedService } from './plan.ts';

/** Which of a target group's health check differ from ours are the nearest that AWS takes.
 *  @see https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html */
const INTERVAL_SECONDS = { from: 5, to: 300 };
const HEALTHY_AFTER = { from: 2, to: 10 };
const UNHEALTHY_AFTER = 2;
const STATUS = { from: 200, to: 499 };
const LONGEST_TIMEOUT_SECONDS = 10;

interface Surroundings {
  readonly host: Host;
  readonly foundation: AwsFoundation;
}
/** What was made for a service before it. */
export interface Made {
  readonly taskDefinition: string;
  readonly targetGroup?: string;
  readonly rule?: string;
  /** The ARN of its name in Cloud Map. */
  readonly registry?: string;
  /** The name of its secret. */
  readonly secret?: string;
}

export function targetGroupRequest(
  { host, foundation }: Surroundings,
  { environment, service, spec, name }: PlannedService,
  port: number,
): CreateTargetGroupCommandInput {
  const request: CreateTargetGroupCommandInput = {
    Name: name,
    Protocol: 'HTTP',
    Port: port,
    VpcId: foundation.vpc,
    TargetType: 'ip',
    ...(spec.health && healthSettings(spec.health)),
  };
  const native = serviceNative(service, spec.native).targetGroup;
  return { ...host.merge(request, native), Name: name, Tags: toAwsTags(environment.tags) };
}

function healthSettings({ path, statusFrom, statusTo, everySeconds, healthyAfter }: HealthCheck) {
  const interval = within(everySeconds, INTERVAL_SECONDS);
  return {
    HealthCheckProtocol: 'HTTP' as const,
    HealthCheckPath: path,
    HealthCheckIntervalSeconds: interval,
    HealthCheckTimeoutSeconds: Math.min(interval - 1, LONGEST_TIMEOUT_SECONDS),
    HealthyThresholdCount: within(healthyAfter, HEALTHY_AFTER),
    UnhealthyThresholdCount: UNHEALTHY_AFTER,
    Matcher: { HttpCode: `${String(within(statusFrom, STATUS))}-${String(within(statusTo, STATUS))}` },
  };
}

/** Its tags tell what `read` and `destroy` need to know of what was made with it. */
export function serviceRequest(
  { host, foundation }: Surroundings,
  planned: PlannedService,
  made: Made,
  call: Call,
): CreateServiceCommandInput {
  const { environment, service, spec, name, route } = planned;
  const { subnets, publicAddress } = foundation.tasks;
  const request: CreateServiceCommandInput = {
    cluster: foundation.cluster,
    serviceName: name,
    taskDefinition: made.taskDefinition,
    desiredCount: firstInstances(spec),
    launchType: 'FARGATE',
    networkConfiguration: {
      awsvpcConfiguration: {
        subnets: [...subnets],
        securityGroups: [foundation.securityGroups.app],
        assignPublicIp: publicAddress ? 'ENABLED' : 'DISABLED',
      },
    },
    ...(made.targetGroup !== undefined &&
      route && {
        loadBalancers: [{ targetGroupArn: made.targetGroup, containerName: service, containerPort: route.port }],
        healthCheckGracePeriodSeconds: spec.health?.withinSeconds ?? 0,
      }),
    ...(made.registry !== undefined && { serviceRegistries: [{ registryArn: made.registry }] }),
    // A revision of its own never follows: there is nothing to go back to.
    deploymentConfiguration: {
      deploymentCircuitBreaker: { enable: true, rollback: false },
      minimumHealthyPercent: 100,
      maximumPercent: 200,
    },
    enableECSManagedTags: true,
    enableExecuteCommand: true,
    propagateTags: 'SERVICE',
  };
  const tags = {
    ...environment.tags,
    [SERVICE_TAG]: service,
    [SERVICES_TAG]: String(Object.keys(environment.services).length),
    [INSTANCES_TAG]: String(firstInstances(spec)),
    ...(spec.artefact.kind === 'image' && { [IMAGE_TAG]: spec.artefact.reference }),
    [REVISION_TAG]: made.taskDefinition,
    ...(environment.hosts[0] !== undefined && { [HOST_TAG]: environment.hosts[0] }),
    ...(route && { [ROUTE_TAG]: route.path }),
    ...(made.rule !== undefined && { [RULE_TAG]: made.rule }),
    ...(made.secret !== undefined && { [SECRET_TAG]: made.secret }),
  };
  const native = serviceNative(service, spec.native).service;
  return {
    ...host.merge(request, native),
    serviceName: name,
    clientToken: call.token(`service ${name}`),
    tags: toEcsTags(tags),
  };
}

function within(value: number, { from, to }: { readonly from: number; readonly to: number }): number {
  return Math.min(to, Math.max(from, Math.round(value)));
}
