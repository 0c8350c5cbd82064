import { ACMClient } from '@aws-sdk/client-acm';
import { AutoScalingClient } from '@aws-sdk/client-auto-scaling';
import { CloudWatchLogsClient, CreateLogGroupCommand } from '@aws-sdk/client-cloudwatch-logs';
import { CreateSecurityGroupCommand, CreateSubnetCommand, CreateVpcCommand, EC2Client } from '@aws-sdk/client-ec2';
import { CreateClusterCommand, ECSClient } from '@aws-sdk/client-ecs';
import {
  CreateListenerCommand,
  CreateLoadBalancerCommand,
  ElasticLoadBalancingV2Client,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import {
  CreatePrivateDnsNamespaceCommand,
  ListNamespacesCommand,
  ServiceDiscoveryClient,
} from '@aws-sdk/client-servicediscovery';
import { CreateBucketCommand, PutBucketVersioningCommand, S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { AwsFoundation } from '../../foundation/outputs.ts';

const ACCOUNT = '123456789012';

/** Clients that go to an account directly, around a driver. */
export interface RawClients {
  readonly acm: ACMClient;
  readonly scaling: AutoScalingClient;
  readonly s3: S3Client;
  readonly ec2: EC2Client;
  readonly ecs: ECSClient;
  readonly elb: ElasticLoadBalancingV2Client;
  readonly discovery: ServiceDiscoveryClient;
  readonly secrets: SecretsManagerClient;
  readonly logs: CloudWatchLogsClient;
}

export function rawClients(settings: {
  readonly region: string;
  readonly endpoint: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
}): RawClients {
  return {
    acm: new ACMClient(settings),
    scaling: new AutoScalingClient(settings),
    s3: new S3Client({ ...settings, forcePathStyle: true }),
    ec2: new EC2Client(settings),
    ecs: new ECSClient(settings),
    elb: new ElasticLoadBalancingV2Client(settings),
    discovery: new ServiceDiscoveryClient(settings),
    secrets: new SecretsManagerClient(settings),
    logs: new CloudWatchLogsClient(settings),
  };
}

/** A foundation made by hand: a network, a cluster, a load balancer that answers 404, a namespace, a log group, a bucket. */
export async function rawFoundation(clients: RawClients, name: string, region: string): Promise<AwsFoundation> {
  const network = await rawNetwork(clients.ec2, region);
  const [cluster, loadBalancer, namespace] = await Promise.all([
    clients.ecs.send(new CreateClusterCommand({ clusterName: name })),
    rawLoadBalancer(clients.elb, name, network),
    rawNamespace(clients.discovery, `${name}.internal`, network.vpc),
    clients.logs.send(new CreateLogGroupCommand({ logGroupName: name })),
    rawBucket(clients.s3, `${name}-bucket`),
  ]);
  const { vpc, subnets, groups } = network;
  return {
    region,
    account: ACCOUNT,
    vpc,
    subnets: { public: subnets, app: subnets, db: subnets },
    securityGroups: groups,
    tasks: { subnets, publicAddress: true },
    cluster: cluster.cluster?.clusterArn ?? '',
    loadBalancer,
    namespace,
    logGroup: name,
    repository: `${ACCOUNT}.dkr.ecr.${region}.amazonaws.com/${name}`,
    roles: {
      execution: `arn:aws:iam::${ACCOUNT}:role/${name}-execution`,
      task: `arn:aws:iam::${ACCOUNT}:role/${name}-task`,
      instanceProfile: `arn:aws:iam::${ACCOUNT}:instance-profile/${name}-instance`,
    },
    bucket: `${name}-bucket`,
  };
}

async function rawBucket(s3: S3Client, Bucket: string): Promise<void> {
  await s3.send(new CreateBucketCommand({ Bucket }));
  await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }));
}

interface Network {
  readonly vpc: string;
  readonly subnets: string[];
  readonly groups: { readonly loadBalancer: string; readonly app: string; readonly db: string };
}

async function rawNetwork(ec2: EC2Client, region: string): Promise<Network> {
  const { Vpc } = await ec2.send(new CreateVpcCommand({ CidrBlock: '10.8.0.0/16' }));
  const vpc = Vpc?.VpcId ?? '';
  const subnet = async (third: number, zone: string): Promise<string> => {
    const CidrBlock = `10.8.${String(third)}.0/24`;
    const command = new CreateSubnetCommand({ VpcId: vpc, CidrBlock, AvailabilityZone: `${region}${zone}` });
    return (await ec2.send(command)).Subnet?.SubnetId ?? '';
  };
  const group = async (name: string): Promise<string> => {
    const command = new CreateSecurityGroupCommand({ GroupName: name, Description: name, VpcId: vpc });
    return (await ec2.send(command)).GroupId ?? '';
  };
  return {
    vpc,
    subnets: [await subnet(1, 'a'), await subnet(2, 'b')],
    groups: { loadBalancer: await group('lb'), app: await group('app'), db: await group('db') },
  };
}

/** The same with one load balancer more. */
export async function withSecondBalancer<F extends AwsFoundation>({ elb }: RawClients, foundation: F) {
  const { subnets, securityGroups: groups } = foundation;
  const second = await rawLoadBalancer(elb, 'second', { subnets: [...subnets.public], groups });
  return { ...foundation, otherLoadBalancers: [second] as const };
}

async function rawLoadBalancer(
  elb: ElasticLoadBalancingV2Client,
  Name: string,
  { subnets, groups }: Pick<Network, 'subnets' | 'groups'>,
): Promise<AwsFoundation['loadBalancer']> {
  const create = new CreateLoadBalancerCommand({ Name, Subnets: subnets, SecurityGroups: [groups.loadBalancer] });
  const [made] = (await elb.send(create)).LoadBalancers ?? [];
  const arn = made?.LoadBalancerArn ?? '';
  const listen = new CreateListenerCommand({
    LoadBalancerArn: arn,
    Protocol: 'HTTP',
    Port: 80,
    DefaultActions: [{ Type: 'fixed-response', FixedResponseConfig: { StatusCode: '404' } }],
  });
  const [listener] = (await elb.send(listen)).Listeners ?? [];
  const { DNSName: dnsName = '', CanonicalHostedZoneId: zone = '' } = made ?? {};
  return { arn, dnsName, zone, http: listener?.ListenerArn ?? '' };
}

async function rawNamespace(
  discovery: ServiceDiscoveryClient,
  Name: string,
  Vpc: string,
): Promise<AwsFoundation['namespace']> {
  await discovery.send(new CreatePrivateDnsNamespaceCommand({ Name, Vpc }));
  const { Namespaces = [] } = await discovery.send(new ListNamespacesCommand({}));
  const found = Namespaces.find((one) => one.Name === Name);
  return { id: found?.Id ?? '', name: Name };
}
