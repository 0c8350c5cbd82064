import {
  DescribeTargetGroupsCommand,
  paginateDescribeRules,
  type Rule,
  type TargetGroup,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { ProviderError } from '@clusternator/core/provider';
import { hostsOf } from '../../alb/conditions.ts';
import { unlessAbsent } from '../../storage/aws-error.ts';
import { MOST_BALANCERS } from '../config.ts';
import { partName } from '../part.ts';
import { placesOf } from '../shape.ts';
import type { Site } from '../site.ts';

const TOLD_AT_ONCE = 5;

/**
 * Load balancers that are more than there are to be, and are needed: with their listeners the rules of environments would go.
 * @throws ProviderError `conflict`, with what is on the first of them.
 */
export async function refuseToDrop(at: Site): Promise<void> {
  const surplus = placesOf({ loadBalancers: MOST_BALANCERS }).slice(at.shape.loadBalancers);
  await Promise.all(surplus.map((place) => mustBeEmpty(at, place)));
}

async function mustBeEmpty(at: Site, place: number): Promise<void> {
  const balancer = partName('load balancer', place);
  const found = await at.find(balancer);
  if (!found) return;
  const listeners = await at.listeners(balancer);
  const [groups, ...rules] = await Promise.all([
    groupsOn(at, found.id),
    ...listeners.map(({ ListenerArn = '' }) => rulesOf(at, ListenerArn)),
  ]);
  const own = rules.flat().filter(({ IsDefault }) => IsDefault !== true);
  if (groups.length === 0 && own.length === 0) return;
  const names = [
    ...new Set([
      ...own.flatMap((rule) => hostsOf(rule)),
      ...groups.flatMap(({ TargetGroupName }) => TargetGroupName ?? []),
    ]),
  ];
  const rest = names.length - TOLD_AT_ONCE;
  const told = names.slice(0, TOLD_AT_ONCE).join(', ') + (rest > 0 ? ` and ${String(rest)} more` : '');
  throw new ProviderError(
    'conflict',
    `${balancer} can't be removed: on it are rules (${String(own.length)}) and target groups (${String(groups.length)}): ${told}`,
    {
      path: 'provider.loadBalancers',
      hint: `clusternator env list tells environments, and env destroy removes them; or leave loadBalancers at ${String(place)} or more`,
      retry: 'never',
      effect: 'none',
    },
  );
}

async function groupsOn(at: Site, LoadBalancerArn: string): Promise<readonly TargetGroup[]> {
  const asked = at.ask('elbRead', ({ elb }, options) =>
    elb.send(new DescribeTargetGroupsCommand({ LoadBalancerArn }), options),
  );
  return (await unlessAbsent(asked, ['LoadBalancerNotFound', 'TargetGroupNotFound']))?.TargetGroups ?? [];
}

async function rulesOf(at: Site, ListenerArn: string): Promise<readonly Rule[]> {
  const found: Rule[] = [];
  const asked = at.ask('elbRead', async ({ elb }, { abortSignal }) => {
    for await (const { Rules = [] } of paginateDescribeRules({ client: elb }, { ListenerArn }, { abortSignal }))
      found.push(...Rules);
    return true;
  });
  await unlessAbsent(asked, ['ListenerNotFound']);
  return found;
}
