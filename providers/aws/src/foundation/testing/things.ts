import { ListTagsForCertificateCommand, paginateListCertificates } from '@aws-sdk/client-acm';
import { DescribeLogGroupsCommand, ListTagsForResourceCommand as ListLogTags } from '@aws-sdk/client-cloudwatch-logs';
import {
  DescribeAddressesCommand,
  DescribeInternetGatewaysCommand,
  DescribeNatGatewaysCommand,
  DescribeRouteTablesCommand,
  DescribeSecurityGroupsCommand,
  DescribeSubnetsCommand,
  DescribeVpcEndpointsCommand,
  DescribeVpcsCommand,
} from '@aws-sdk/client-ec2';
import { DescribeRepositoriesCommand, ListTagsForResourceCommand as ListRepositoryTags } from '@aws-sdk/client-ecr';
import { DescribeClustersCommand, ListClustersCommand } from '@aws-sdk/client-ecs';
import {
  DescribeListenersCommand,
  DescribeLoadBalancersCommand,
  DescribeTagsCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import {
  GetInstanceProfileCommand,
  ListInstanceProfilesCommand,
  ListRolesCommand,
  ListRoleTagsCommand,
} from '@aws-sdk/client-iam';
import { GetBucketTaggingCommand, ListBucketsCommand } from '@aws-sdk/client-s3';
import { ListNamespacesCommand, ListTagsForResourceCommand as ListNameTags } from '@aws-sdk/client-servicediscovery';
import type { Thing } from '@clusternator/conformance';
import { fromEcsTags } from '../../ecs/ecs-tags.ts';
import { unlessAbsent } from '../../storage/aws-error.ts';
import { fromAwsTags, type AwsTag } from '../../storage/aws-tags.ts';
import type { Clients } from '../clients.ts';

/** All that a foundation of containers can consist of, by the cloud's own lists: what has no tags of its own has those of what it is in. */
export async function thingsOf(raw: Clients): Promise<readonly Thing[]> {
  const lists = [network, balancers, certificates, clusters, namespaces, logGroups, repositories, roles, buckets];
  return (await Promise.all(lists.map((list) => list(raw)))).flat();
}

/** How many there are of each kind. */
export async function countsOf(things: Promise<readonly Thing[]>): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {};
  for (const { kind } of await things) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

function thing(kind: string, name: string | undefined, tags: readonly AwsTag[] | undefined): Thing {
  return { kind, name: name ?? '', tags: fromAwsTags(tags) };
}

async function network({ ec2 }: Clients): Promise<readonly Thing[]> {
  const [vpcs, internet, subnets, addresses, nat, tables, groups, endpoints] = await Promise.all([
    ec2.send(new DescribeVpcsCommand()),
    ec2.send(new DescribeInternetGatewaysCommand()),
    ec2.send(new DescribeSubnetsCommand()),
    ec2.send(new DescribeAddressesCommand()),
    ec2.send(new DescribeNatGatewaysCommand()),
    ec2.send(new DescribeRouteTablesCommand()),
    ec2.send(new DescribeSecurityGroupsCommand()),
    ec2.send(new DescribeVpcEndpointsCommand()),
  ]);
  const { NatGateways = [] } = nat;
  const isThere = ({ State }: { readonly State?: string | undefined }) => State?.toLowerCase() !== 'deleted';
  return [
    ...(vpcs.Vpcs ?? []).map(({ VpcId, Tags }) => thing('vpc', VpcId, Tags)),
    ...(internet.InternetGateways ?? []).flatMap(({ InternetGatewayId, Attachments = [], Tags }) => [
      thing('internet gateway', InternetGatewayId, Tags),
      ...Attachments.map(({ VpcId }) => thing('attachment', `${InternetGatewayId ?? ''} ${VpcId ?? ''}`, Tags)),
    ]),
    ...(subnets.Subnets ?? []).map(({ SubnetId, Tags }) => thing('subnet', SubnetId, Tags)),
    ...(addresses.Addresses ?? []).map(({ AllocationId, Tags }) => thing('address', AllocationId, Tags)),
    ...NatGateways.filter(isThere).map(({ NatGatewayId, Tags }) => thing('nat gateway', NatGatewayId, Tags)),
    ...(tables.RouteTables ?? []).flatMap(({ RouteTableId, Routes = [], Associations = [], Tags }) => [
      thing('route table', RouteTableId, Tags),
      ...Routes.map((route) => thing('route', `${RouteTableId ?? ''} ${JSON.stringify(route)}`, Tags)),
      ...Associations.map(({ RouteTableAssociationId: id }) => thing('association', id, Tags)),
    ]),
    ...(groups.SecurityGroups ?? []).flatMap(
      ({ GroupId, IpPermissions = [], IpPermissionsEgress: waysOut = [], Tags }) => [
        thing('security group', GroupId, Tags),
        ...[...IpPermissions, ...waysOut].map((way) => thing('way', `${GroupId ?? ''} ${JSON.stringify(way)}`, Tags)),
      ],
    ),
    ...(endpoints.VpcEndpoints ?? [])
      .filter(isThere)
      .map(({ VpcEndpointId, Tags }) => thing('endpoint', VpcEndpointId, Tags)),
  ];
}

async function balancers({ elb }: Clients): Promise<readonly Thing[]> {
  const { LoadBalancers = [] } = await elb.send(new DescribeLoadBalancersCommand());
  const found = await Promise.all(
    LoadBalancers.map(async ({ LoadBalancerArn: arn = '' }) => {
      const { Listeners = [] } = await elb.send(new DescribeListenersCommand({ LoadBalancerArn: arn }));
      const { TagDescriptions } = await elb.send(new DescribeTagsCommand({ ResourceArns: [arn] }));
      const tags = TagDescriptions?.[0]?.Tags;
      const listeners = Listeners.map(({ ListenerArn }) => thing('listener', ListenerArn, tags));
      return [thing('load balancer', arn, tags), ...listeners];
    }),
  );
  return found.flat();
}

export async function certificates({ acm }: Pick<Clients, 'acm'>): Promise<readonly Thing[]> {
  const pages = await Array.fromAsync(paginateListCertificates({ client: acm }, {}));
  const all = pages.flatMap(({ CertificateSummaryList }) => CertificateSummaryList ?? []);
  return Promise.all(
    all.map(async ({ CertificateArn }) => {
      const { Tags } = await acm.send(new ListTagsForCertificateCommand({ CertificateArn }));
      return thing('certificate', CertificateArn, Tags);
    }),
  );
}

async function clusters({ ecs }: Clients): Promise<readonly Thing[]> {
  const { clusterArns = [] } = await ecs.send(new ListClustersCommand());
  const described = await ecs.send(new DescribeClustersCommand({ clusters: clusterArns, include: ['TAGS'] }));
  const active = (described.clusters ?? []).filter(({ status }) => status === 'ACTIVE');
  return active.map(({ clusterName = '', tags }) => ({ kind: 'cluster', name: clusterName, tags: fromEcsTags(tags) }));
}

async function namespaces({ discovery }: Clients): Promise<readonly Thing[]> {
  const { Namespaces = [] } = await discovery.send(new ListNamespacesCommand());
  return Promise.all(
    Namespaces.map(async ({ Name, Arn }) => {
      const { Tags } = await discovery.send(new ListNameTags({ ResourceARN: Arn }));
      return thing('namespace', Name, Tags);
    }),
  );
}

async function logGroups({ logs }: Clients): Promise<readonly Thing[]> {
  const { logGroups: groups = [] } = await logs.send(new DescribeLogGroupsCommand());
  return Promise.all(
    groups.map(async ({ logGroupName: name = '', logGroupArn, arn }) => {
      const resourceArn = logGroupArn ?? arn?.replace(/:\*$/, '');
      const { tags } = await logs.send(new ListLogTags({ resourceArn }));
      return { kind: 'log group', name, ...(tags && { tags }) };
    }),
  );
}

async function repositories({ ecr }: Clients): Promise<readonly Thing[]> {
  const { repositories: all = [] } = await ecr.send(new DescribeRepositoriesCommand());
  return Promise.all(
    all.map(async ({ repositoryName, repositoryArn: resourceArn }) => {
      const { tags } = await ecr.send(new ListRepositoryTags({ resourceArn }));
      return thing('repository', repositoryName, tags);
    }),
  );
}

async function roles({ iam }: Clients): Promise<readonly Thing[]> {
  const { Roles = [] } = await iam.send(new ListRolesCommand());
  const { InstanceProfiles = [] } = await iam.send(new ListInstanceProfilesCommand());
  return Promise.all([
    ...Roles.map(async ({ RoleName }) => {
      const { Tags } = await iam.send(new ListRoleTagsCommand({ RoleName }));
      return thing('role', RoleName, Tags);
    }),
    ...InstanceProfiles.map(async ({ InstanceProfileName, Roles: its = [] }) => {
      const found = await iam.send(new GetInstanceProfileCommand({ InstanceProfileName }));
      return thing(`instance profile of ${String(its.length)}`, InstanceProfileName, found.InstanceProfile?.Tags);
    }),
  ]);
}

export async function buckets({ s3 }: Pick<Clients, 's3'>): Promise<readonly Thing[]> {
  const { Buckets = [] } = await s3.send(new ListBucketsCommand());
  return Promise.all(
    Buckets.map(async ({ Name }) => {
      const asked = s3.send(new GetBucketTaggingCommand({ Bucket: Name }));
      return thing('bucket', Name, (await unlessAbsent(asked, ['NoSuchTagSet']))?.TagSet);
    }),
  );
}
