import {
  CreateRuleCommand,
  CreateTargetGroupCommand,
  paginateDescribeRules,
  type Rule,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import type { EmulatorName } from '@clusternator/emulators/emulator';
import { openScene, type EcsScene, type Kind, type Tenant } from '../../ecs/testing/ecs-scene.ts';
import { withSecondBalancer } from '../../ecs/testing/raw-foundation.ts';
import type { AwsFoundation, LoadBalancerOutputs } from '../../foundation/outputs.ts';
import { targetGroupsOf } from '../actions.ts';
import { balancersOf } from '../balancers.ts';

/** An account whose foundation has two load balancers. */
export interface BalancedScene extends Omit<EcsScene, 'tenant'> {
  readonly second: LoadBalancerOutputs;
  /** In a process of its own. */
  tenant(): Promise<Tenant>;
  /** By load balancer: the rules that lead to a target group. */
  rules(): Promise<readonly (readonly Rule[])[]>;
  /** Puts so many target groups behind one. */
  fill(balancer: LoadBalancerOutputs, count: number): Promise<void>;
}

export async function openBalancedScene(
  emulator: EmulatorName,
  kind: Pick<Kind, 'open' | 'folder'>,
): Promise<BalancedScene> {
  const scene = await openScene(emulator, { ...kind, config: { loadBalancers: 2 } });
  const { elb } = scene.raw;
  const foundation: AwsFoundation = await withSecondBalancer(scene.raw, scene.foundation);
  const [first, second = first] = balancersOf(foundation);
  if (!second) throw new Error('there is no second load balancer');
  return {
    ...scene,
    foundation,
    second,
    tenant: () => scene.tenant({}, foundation),
    rules: () =>
      Promise.all(
        balancersOf(foundation).map(async ({ http }) => {
          const pages = await Array.fromAsync(
            paginateDescribeRules({ client: elb }, { ListenerArn: http, PageSize: 400 }),
          );
          return pages.flatMap(({ Rules = [] }) => Rules).filter((rule) => targetGroupsOf(rule).length > 0);
        }),
      ),
    async fill({ http, arn }, count) {
      const place = balancersOf(foundation).findIndex((one) => one.arn === arn);
      for (let at = 1; at <= count; at++) {
        const Name = `other-${String(place)}-${String(at)}`;
        const { TargetGroups = [] } = await elb.send(
          new CreateTargetGroupCommand({ Name, Protocol: 'HTTP', Port: 80, VpcId: foundation.vpc }),
        );
        const rule = {
          ListenerArn: http,
          Priority: 50_000 - at,
          Conditions: [{ Field: 'host-header', Values: [`${Name}.example.org`] }],
          Actions: [{ Type: 'forward' as const, TargetGroupArn: TargetGroups[0]?.TargetGroupArn }],
        };
        await elb.send(new CreateRuleCommand(rule));
      }
    },
  };
}
