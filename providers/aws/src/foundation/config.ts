import { z } from 'zod';
import { configSchema, type AwsConfig } from '../config.ts';

/** A prefix of /16 is all that a VPC takes, and 24 subnets of 16 addresses, the least, fit into a /23. @see https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html */
const CIDR = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)\/(?:1[6-9]|2[0-3])$/;
/** @see https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html */
const LOG_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

/** An account has 50 in a region, unless it asked for more. @see https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html */
export const MOST_BALANCERS = 10;

const subnet = z.string().regex(/^subnet-[0-9a-f]+$/, 'must be the id of a subnet');
/** A load balancer wants two zones. @see https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html */
const pair = z.array(subnet).min(2, 'must be subnets of two zones or more').readonly();

const networkSchema = z
  .strictObject({
    cidr: z.string().regex(CIDR, 'must be a block such as 10.0.0.0/16, of /16 to /23').optional(),
    zones: z.int().min(2).max(6).optional(),
    nat: z.enum(['none', 'one', 'zone']).optional(),
    vpc: z
      .string()
      .regex(/^vpc-[0-9a-f]+$/, 'must be the id of a VPC')
      .optional(),
    subnets: z.strictObject({ public: pair, app: pair.optional(), db: pair }).optional(),
  })
  .superRefine((network, context) => {
    const refuse = (key: keyof typeof network, message: string): void => {
      context.addIssue({ code: 'custom', path: [key], message });
    };
    if (network.vpc === undefined) {
      if (network.subnets) refuse('subnets', 'are those of network.vpc, which is not set');
      return;
    }
    if (!network.subnets) refuse('subnets', 'must name the subnets of network.vpc to use');
    for (const key of ['cidr', 'zones', 'nat'] as const) {
      if (network[key] !== undefined) refuse(key, 'is of a network that is made; network.vpc has its own');
    }
  })
  .transform(({ cidr = '10.0.0.0/16', zones = 2, nat = 'one', vpc, subnets }) =>
    vpc !== undefined && subnets ? { vpc, subnets } : { cidr, zones, nat, vpc: undefined },
  );

/** The provider's config with the keys that a foundation goes by. */
export const foundationConfigSchema = configSchema.extend({
  kind: z
    .enum(['containers', 'sites'])
    .default('containers')
    .describe(
      'What environments are: `containers` on Fargate behind a load balancer, or `sites`, files alone, on S3 behind CloudFront, without a network.',
    ),
  network: networkSchema
    .prefault({})
    .describe(
      'The network: `cidr` (10.0.0.0/16), `zones` (2 to 6; 2), and `nat`, the ways out of private subnets: `one` for all zones, one a `zone`, or `none`, where tasks have public addresses. ' +
        'Or one that is there: `vpc`, and its `subnets` `public`, `app` and `db` by their ids; without `app`, tasks run in the public ones.',
    ),
  loadBalancers: z
    .int()
    .min(1)
    .max(MOST_BALANCERS)
    .optional()
    .describe(
      'How many load balancers there are, 1 to 10; 1 unless it is said. Each costs money, and has room for 100 public services. With several, a promotion starts an environment of the slot’s own.',
    ),
  logDays: z.literal(LOG_DAYS).default(30).describe('The days that CloudWatch keeps logs for, such as 7, 30 or 365.'),
});

export type FoundationConfig = z.output<typeof foundationConfigSchema>;
/** As much as placing environments goes by. */
export type BalancedConfig = AwsConfig & Pick<FoundationConfig, 'loadBalancers'>;
