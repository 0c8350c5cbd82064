import {
  CreateRuleCommand,
  CreateTargetGroupCommand,
  DescribeTargetGroupsCommand,
  type ElasticLoadBalancingV2Client,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import type { Call, EnvironmentSpec, Host } from '@clusternator/core/provider';
import { expect, test } from '@jest/globals';
import type { AwsFoundation, LoadBalancerOutputs } from '../foundation/outputs.ts';
import type { PlannedService } from './plan.ts';
import { PublicWays } from './public-ways.ts';

const balancer = (name: string): LoadBalancerOutputs => {
  const arn = `arn:aws:elasticloadbalancing:us-east-1:1:loadbalancer/app/${name}/1`;
  return { arn, dnsName: '', zone: '', http: arn.replace(':loadbalancer/', ':listener/') };
};
const [FIRST, SECOND, THIRD] = [balancer('first'), balancer('second'), balancer('third')];

/** As AWS keeps a target group to one load balancer, which no emulator does. `taken`: somebody was first. */
function elbWhere(taken: LoadBalancerOutputs) {
  const rules: string[] = [];
  const send = (command: unknown): unknown => {
    if (command instanceof CreateTargetGroupCommand) return { TargetGroups: [groupOf(command.input.Name)] };
    if (command instanceof DescribeTargetGroupsCommand)
      return { TargetGroups: [{ ...groupOf('name'), LoadBalancerArns: [taken.arn] }] };
    if (!(command instanceof CreateRuleCommand)) throw new Error('nobody asks for that here');
    const { ListenerArn = '' } = command.input;
    if (ListenerArn !== taken.http)
      throw Object.assign(new Error('it is behind another one'), { name: 'TargetGroupAssociationLimitException' });
    rules.push(ListenerArn);
    return { Rules: [{ RuleArn: `${ListenerArn}/rule` }] };
  };
  // Of the client, only what is asked is there.
  return {
    rules,
    client: { send: async (command: unknown) => send(command) } as unknown as ElasticLoadBalancingV2Client,
  };
}
const groupOf = (name: string | undefined) => ({
  TargetGroupName: name,
  TargetGroupArn: `targetgroup/${name ?? ''}/1`,
});

test('where a call beside this one has chosen another load balancer, the environment is behind that one', async () => {
  const { rules, client } = elbWhere(THIRD);
  const foundation = { loadBalancer: FIRST, otherLoadBalancers: [SECOND, THIRD] } as unknown as AwsFoundation; // no more is asked of it
  const host = { pace: () => Promise.resolve() } as unknown as Host; // the same
  const call = { signal: new AbortController().signal } as unknown as Call; // the same
  const environment = { id: 'a1', tags: {} } as unknown as EnvironmentSpec; // the same
  const ways = new PublicWays(client, host, foundation, 3, ({ name }) => ({ Name: name }));
  const service = { environment, name: 'name', route: { hosts: ['a1.example.com'], path: '/', port: 80 } };
  const planned = [service as unknown as PlannedService]; // the same

  const placed = await ways.place({}, { planned, next: planned }, [], call);
  expect(placed.balancer).toBe(SECOND);
  const made = await ways.make(planned[0]!, placed, call);
  expect(made?.rule).toContain('/app/third/');
  expect(rules).toEqual([THIRD.http]);
});
