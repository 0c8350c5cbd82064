import { DescribeTagsCommand, type ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import type { Call, Host } from '@clusternator/core/provider';
import { paced } from '../paced.ts';
import type { AwsTag } from '../storage/aws-tags.ts';

/** @see https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTags.html */
const ARNS_A_CALL = 20;

/** The tags of target groups and rules, by ARN. What went away meanwhile is left out. */
export async function tagsOf(
  elb: ElasticLoadBalancingV2Client,
  host: Host,
  arns: readonly string[],
  call: Call,
): Promise<ReadonlyMap<string, readonly AwsTag[]>> {
  const chunks = Array.from({ length: Math.ceil(arns.length / ARNS_A_CALL) }, (_, at) =>
    arns.slice(at * ARNS_A_CALL, (at + 1) * ARNS_A_CALL),
  );
  const answers = await Promise.all(
    chunks.map((ResourceArns) =>
      paced(host, 'elbRead', call, (options) => elb.send(new DescribeTagsCommand({ ResourceArns }), options)),
    ),
  );
  const described = answers.flatMap(({ TagDescriptions = [] }) => TagDescriptions);
  return new Map(described.map(({ ResourceArn = '', Tags = [] }) => [ResourceArn, Tags]));
}
