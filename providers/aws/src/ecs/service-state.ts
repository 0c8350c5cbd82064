import type { Deployment, Service } from '@aws-sdk/client-ecs';
import type { Phase } from '@clusternator/core/provider';
import { fromEcsTags, IMAGE_TAG, INSTANCES_TAG, REVISION_TAG, ROUTE_TAG, RULE_TAG, SERVICE_TAG } from './ecs-tags.ts';

/** A service as its part of an environment. */
export interface ServiceState {
  /** As the config has it. */
  readonly service: string;
  readonly name: string;
  readonly phase: Phase;
  readonly desired: number;
  readonly running: number;
  readonly targetGroup?: string;
  /** The rule that leads to it. */
  readonly rule?: string;
  readonly message?: string;
  /** The image that it runs, by its digest. */
  readonly image?: string;
  readonly isPublic: boolean;
  /** Its spec asks for no instance: until a slot makes the environment its head, it is as it should be. */
  readonly isOffBySpec: boolean;
}

export function stateOf(found: Service): ServiceState {
  const { serviceName = '', desiredCount = 0, runningCount = 0, loadBalancers = [] } = found;
  const tags = fromEcsTags(found.tags);
  const phase = phaseOf(found);
  const [balanced] = loadBalancers;
  const message = phase === 'active' || phase === 'stopped' ? undefined : messageOf(found);
  return {
    service: tags[SERVICE_TAG] ?? serviceName,
    name: serviceName,
    phase,
    desired: desiredCount,
    running: runningCount,
    ...(balanced?.targetGroupArn !== undefined && { targetGroup: balanced.targetGroupArn }),
    ...(tags[RULE_TAG] !== undefined && { rule: tags[RULE_TAG] }),
    ...(message !== undefined && { message }),
    ...(tags[IMAGE_TAG] !== undefined && tags[REVISION_TAG] === found.taskDefinition && { image: tags[IMAGE_TAG] }),
    isPublic: tags[ROUTE_TAG] !== undefined,
    isOffBySpec: tags[INSTANCES_TAG] === '0' && desiredCount === 0,
  };
}

/** Counts are the truth: a rollout counts as completed once its tasks run, and pass their target group's check where there is one. */
function phaseOf(found: Service): Phase {
  const { status, desiredCount = 0, runningCount = 0, pendingCount = 0 } = found;
  if (status === 'DRAINING') return 'destroying';
  const rollout = primaryOf(found)?.rolloutState;
  if (rollout === 'FAILED') return 'failed';
  if (desiredCount === 0) return runningCount === 0 && pendingCount <= 0 ? 'stopped' : 'active';
  return runningCount >= desiredCount && rollout !== 'IN_PROGRESS' ? 'active' : 'creating';
}

/** In ECS's own words, where it has some. */
function messageOf(found: Service): string {
  const { desiredCount = 0, runningCount = 0, pendingCount = 0, events = [] } = found;
  const counts = `${String(runningCount)} of ${String(desiredCount)} run, ${String(pendingCount)} are on their way`;
  const reason = primaryOf(found)?.rolloutStateReason;
  const said = [reason, events[0]?.message].filter((text) => text !== undefined && text !== '');
  return [counts, ...said].join('; ');
}

function primaryOf({ deployments = [] }: Service): Deployment | undefined {
  return deployments.find(({ status }) => status === 'PRIMARY');
}
