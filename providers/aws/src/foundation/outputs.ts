import { z } from 'zod';

const ids = z.array(z.string()).readonly();

const loadBalancer = z
  .strictObject({
    arn: z.string(),
    dnsName: z.string(),
    /** Of the hosted zone that its name is in, for aliases. */
    zone: z.string(),
    /** ARNs. With `https`, the listener on port 80 redirects there. */
    http: z.string(),
    https: z.string().optional(),
  })
  .readonly();
export type LoadBalancerOutputs = z.output<typeof loadBalancer>;

/** What the other drivers need to know of a foundation: ids and names, no secrets. */
export const outputsSchema = z
  .strictObject({
    region: z.string(),
    account: z.string(),
    /** Under it environments and slots are named. */
    domain: z.string().optional(),
    vpc: z.string(),
    /** One a zone, in the order of the zones. */
    subnets: z.strictObject({ public: ids, app: ids, db: ids }).readonly(),
    /** Traffic goes from one to the next, and no other way. */
    securityGroups: z.strictObject({ loadBalancer: z.string(), app: z.string(), db: z.string() }).readonly(),
    /** Where tasks and instances run: the app subnets or, without NAT, the public ones, with a public address to fetch images by. */
    tasks: z.strictObject({ subnets: ids, publicAddress: z.boolean() }).readonly(),
    /** The ARN of the ECS cluster. */
    cluster: z.string(),
    /** The first: all names below the domain that have no record of their own lead there. */
    loadBalancer,
    /** Left out: there is one. */
    otherLoadBalancers: z.array(loadBalancer).readonly().optional(),
    /** For names of services without a route: the Cloud Map namespace. */
    namespace: z.strictObject({ id: z.string(), name: z.string() }).readonly(),
    /** A CloudWatch log group. */
    logGroup: z.string(),
    /** The URI of the ECR repository, as in `<registry>/<name>`. */
    repository: z.string(),
    /** ARNs. `execution` fetches images and secrets, `task` is what the workload runs as, `instanceProfile` is that of bare machines. */
    roles: z.strictObject({ execution: z.string(), task: z.string(), instanceProfile: z.string() }).readonly(),
    /** A private S3 bucket for source trees and sites. */
    bucket: z.string(),
  })
  .readonly();

export type AwsFoundation = z.output<typeof outputsSchema>;
