import type { AwsFoundation, LoadBalancerOutputs } from './outputs.ts';
import { partName } from './part.ts';
import { nameOf as namespaceName } from './parts/cluster.ts';
import { placesOf, taskTier } from './shape.ts';
import type { Site } from './site.ts';

/** Of a foundation that is whole. */
export async function gatherOutputs(at: Site): Promise<AwsFoundation> {
  const { shape } = at;
  const [region, { id: account }, vpc] = await Promise.all([at.region(), at.account(), at.vpcId()]);
  const [publicSubnets, app, db] = await Promise.all([at.subnetIds('public'), at.subnetIds('app'), at.subnetIds('db')]);
  const tier = taskTier(shape);
  const detail = async (name: string, key: string): Promise<string> => (await at.find(name))?.details?.[key] ?? '';
  const balancer = async (place: number): Promise<LoadBalancerOutputs> => ({
    arn: await at.idOf(partName('load balancer', place)),
    dnsName: await detail(partName('load balancer', place), 'dnsName'),
    zone: await detail(partName('load balancer', place), 'zone'),
    http: await at.idOf(partName('http listener', place)),
    ...(shape.domain !== undefined && { https: await at.idOf(partName('https listener', place)) }),
  });
  const [first, others] = await Promise.all([balancer(1), Promise.all(placesOf(shape).slice(1).map(balancer))]);
  return {
    region,
    account,
    ...(shape.domain !== undefined && { domain: shape.domain }),
    vpc,
    subnets: { public: publicSubnets, app, db },
    securityGroups: {
      loadBalancer: await at.idOf('load balancer group'),
      app: await at.idOf('app group'),
      db: await at.idOf('db group'),
    },
    tasks: { subnets: tier === 'app' ? app : publicSubnets, publicAddress: tier === 'public' },
    cluster: await at.idOf('cluster'),
    loadBalancer: first,
    ...(others.length > 0 && { otherLoadBalancers: others }),
    namespace: { id: await at.idOf('namespace'), name: namespaceName(at) },
    logGroup: await at.idOf('log group'),
    repository: await detail('repository', 'uri'),
    roles: {
      execution: await detail('execution role', 'arn'),
      task: await detail('task role', 'arn'),
      instanceProfile: await detail('instance profile', 'arn'),
    },
    bucket: await at.idOf('bucket'),
  };
}
