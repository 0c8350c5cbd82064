import type { Activity, AutoScalingGroup } from '@aws-sdk/client-auto-scaling';
import type { TargetHealthDescription } from '@aws-sdk/client-elastic-load-balancing-v2';
import type { Phase } from '@clusternator/core/provider';
import { INSTANCES_TAG, ROUTE_TAG, RULE_TAG, SERVICE_TAG, SERVICES_TAG } from '../ecs/ecs-tags.ts';
import type { ServiceState } from '../ecs/service-state.ts';
import { fromAwsTags } from '../storage/aws-tags.ts';
import { isOfTemplate } from './requests.ts';
import { SOURCE_TAG, TEMPLATE_TAG } from './tags.ts';

/** One machine may have had bad luck. Of two that had to be given up, or could not be started, the next is no better. */
const HOPELESS = 2;

/** What is known of a group beside itself, where it was asked for. */
export interface Seen {
  /** Of its target group. */
  readonly targets?: readonly TargetHealthDescription[] | undefined;
  readonly activities?: readonly Activity[];
  /** Its machines have left it, and one of them runs on or has a disk. */
  readonly isReleasing?: boolean;
  /** Whatever else it waits for. */
  readonly waitsFor?: readonly string[];
}

/** A group as its part of an environment. */
export function groupState(group: AutoScalingGroup, seen: Seen = {}): ServiceState {
  const { AutoScalingGroupName: name = '', DesiredCapacity: desired = 0, TargetGroupARNs: [targetGroup] = [] } = group;
  const tags = fromAwsTags(group.Tags);
  const phase = phaseOf(group, seen);
  const message = phase === 'active' || phase === 'stopped' ? undefined : messageOf(group, seen);
  return {
    service: tags[SERVICE_TAG] ?? name,
    name,
    phase,
    desired,
    running: running(group),
    ...(targetGroup !== undefined && { targetGroup }),
    ...(tags[RULE_TAG] !== undefined && { rule: tags[RULE_TAG] }),
    ...(message !== undefined && { message }),
    ...(tags[SOURCE_TAG] !== undefined && isAsMade(group, tags[TEMPLATE_TAG]) && { image: tags[SOURCE_TAG] }),
    isPublic: tags[ROUTE_TAG] !== undefined,
    isOffBySpec: tags[INSTANCES_TAG] === '0' && desired === 0,
  };
}

/** How many services there are once all are made. */
export function countOfGroups(groups: readonly AutoScalingGroup[]): number {
  return Math.max(0, ...groups.map(({ Tags }) => Number(fromAwsTags(Tags)[SERVICES_TAG] ?? 0)));
}

/** Whether it lacks machines, so that what it did of late says why. */
export function lacksMachines(group: AutoScalingGroup): boolean {
  return !isEnding(group) && running(group) < (group.DesiredCapacity ?? 0);
}

/** AWS says so while its machines end. */
export function isEnding({ Status }: AutoScalingGroup): boolean {
  return Status !== undefined && Status !== '';
}

/** It has arrived once as many machines as there are to be pass the load balancer's check: before that they install, and start. */
function phaseOf(group: AutoScalingGroup, { targets = [], activities = [], isReleasing = false }: Seen): Phase {
  const { DesiredCapacity: desired = 0, Instances = [] } = group;
  if (isEnding(group)) return 'destroying';
  if (desired === 0) return Instances.length === 0 && !isReleasing ? 'stopped' : 'active';
  const passed = targets.filter(({ TargetHealth }) => TargetHealth?.State === 'healthy').length;
  if (running(group) >= desired && passed >= desired) return 'active';
  return passed === 0 && activities.filter(isFailure).length >= HOPELESS ? 'failed' : 'creating';
}

function running({ Instances = [] }: AutoScalingGroup): number {
  return Instances.filter(
    ({ LifecycleState, HealthStatus }) => LifecycleState === 'InService' && HealthStatus === 'Healthy',
  ).length;
}

/** A machine that could not be started, or was given up: its cause is then told as a health check that failed.
 *  @see https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-health-checks.html */
function isFailure({ StatusCode, Cause = '' }: Activity): boolean {
  return StatusCode === 'Failed' || /health.?check/i.test(Cause);
}

function messageOf(group: AutoScalingGroup, { targets = [], activities = [], waitsFor = [] }: Seen): string {
  const passed = targets.filter(({ TargetHealth }) => TargetHealth?.State === 'healthy').length;
  const all = String(group.DesiredCapacity ?? 0);
  const counts = `${String(running(group))} of ${all} machines run, ${String(passed)} pass their check`;
  const said = activities.filter(isFailure).flatMap(({ StatusMessage, Cause }) => StatusMessage ?? Cause ?? [])[0];
  return [counts, ...(said === undefined ? [] : [said]), ...waitsFor].join('; ');
}

function isAsMade({ LaunchTemplate, Instances = [] }: AutoScalingGroup, template: string | undefined): boolean {
  return isOfTemplate(LaunchTemplate, template) && Instances.every((one) => isOfTemplate(one.LaunchTemplate, template));
}
