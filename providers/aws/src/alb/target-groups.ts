import {
  CreateTargetGroupCommand,
  DeleteTargetGroupCommand,
  DescribeTargetGroupsCommand,
  DescribeTargetHealthCommand,
  ModifyTargetGroupAttributesCommand,
  paginateDescribeTargetGroups,
  type CreateTargetGroupCommandInput,
  type ElasticLoadBalancingV2Client,
  type TargetGroup,
  type TargetHealthDescription,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import type { Call, Host } from '@clusternator/core/provider';
import { allSettled } from '../all-settled.ts';
import { paced } from '../paced.ts';
import { isNamed, unlessAbsent } from '../storage/aws-error.ts';
import type { AwsTag } from '../storage/aws-tags.ts';
import { tagsOf } from './elb-tags.ts';

const PAGE_SIZE = 400;
const GONE = ['TargetGroupNotFound'];

/** The target groups of an account and region, ours and others'. */
export class TargetGroups {
  constructor(
    private readonly elb: ElasticLoadBalancingV2Client,
    private readonly host: Host,
  ) {}

  /** One list finds them all: a question for several names is refused when one of them is not there. */
  async all(call: Call): Promise<readonly TargetGroup[]> {
    const pages = paginateDescribeTargetGroups(
      { client: this.elb },
      { PageSize: PAGE_SIZE },
      { abortSignal: call.signal },
    );
    const groups: TargetGroup[] = [];
    await this.host.pace('elbRead', call);
    for await (const page of pages) groups.push(...(page.TargetGroups ?? []));
    return groups;
  }

  async create(request: CreateTargetGroupCommandInput, call: Call): Promise<TargetGroup> {
    try {
      const { TargetGroups: made } = await this.elb.send(new CreateTargetGroupCommand(request), {
        abortSignal: call.signal,
      });
      return made?.[0] ?? {};
    } catch (error) {
      // Made by another call just now, or by somebody else, which its tags tell.
      if (!isNamed(error, ['DuplicateTargetGroupName'])) throw error;
      const named = await paced(this.host, 'elbRead', call, (options) =>
        this.elb.send(new DescribeTargetGroupsCommand({ Names: [request.Name ?? ''] }), options),
      );
      return named.TargetGroups?.[0] ?? {};
    }
  }

  /** The load balancer that leads to a group. Undefined: none does. */
  async balancerOf(arn: string, call: Call): Promise<string | undefined> {
    const { TargetGroups: found } = await paced(this.host, 'elbRead', call, (options) =>
      this.elb.send(new DescribeTargetGroupsCommand({ TargetGroupArns: [arn] }), options),
    );
    return found?.[0]?.LoadBalancerArns?.[0];
  }

  tags(groups: readonly TargetGroup[], call: Call): Promise<ReadonlyMap<string, readonly AwsTag[]>> {
    const arns = groups.map(({ TargetGroupArn = '' }) => TargetGroupArn);
    return tagsOf(this.elb, this.host, arns, call);
  }

  /** Undefined: there is no such group. */
  async health(TargetGroupArn: string, call: Call): Promise<readonly TargetHealthDescription[] | undefined> {
    const asked = paced(this.host, 'elbRead', call, (options) =>
      this.elb.send(new DescribeTargetHealthCommand({ TargetGroupArn }), options),
    );
    return (await unlessAbsent(asked, GONE))?.TargetHealthDescriptions;
  }

  /** Of groups to which nothing leads any more: their tasks end at once, and not after the five minutes that AWS gives them. */
  async endDraining(arns: readonly string[], call: Call): Promise<void> {
    const Attributes = [{ Key: 'deregistration_delay.timeout_seconds', Value: '0' }];
    const changing = arns.map((TargetGroupArn) => {
      const command = new ModifyTargetGroupAttributesCommand({ TargetGroupArn, Attributes });
      return unlessAbsent(this.elb.send(command, { abortSignal: call.signal }), GONE);
    });
    await allSettled(changing);
  }

  async remove(arns: readonly string[], call: Call): Promise<void> {
    const removing = arns.map((TargetGroupArn) =>
      unlessAbsent(this.elb.send(new DeleteTargetGroupCommand({ TargetGroupArn }), { abortSignal: call.signal }), GONE),
    );
    await allSettled(removing);
  }
}
