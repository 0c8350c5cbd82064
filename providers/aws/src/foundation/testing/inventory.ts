import { paginateListCertificates } from '@aws-sdk/client-acm';
import { DescribeLogGroupsCommand } from '@aws-sdk/client-cloudwatch-logs';
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
import { DescribeRepositoriesCommand } from '@aws-sdk/client-ecr';
import { DescribeClustersCommand, ListClustersCommand } from '@aws-sdk/client-ecs';
import { DescribeListenersCommand, DescribeLoadBalancersCommand } from '@aws-sdk/client-elastic-load-balancing-v2';
import { ListInstanceProfilesCommand, ListRolesCommand } from '@aws-sdk/client-iam';
import { ListBucketsCommand } from '@aws-sdk/client-s3';
import { ListNamespacesCommand } from '@aws-sdk/client-servicediscovery';
import type { Clients } from '../clients.ts';

/** How many there are of everything in the account, by the cloud's own lists. */
export async function inventory(raw: Clients): Promise<Readonly<Record<string, number>>> {
  const { LoadBalancers = [] } = await raw.elb.send(new DescribeLoadBalancersCommand());
  const listeners = await Promise.all(
    LoadBalancers.map(({ LoadBalancerArn }) => raw.elb.send(new DescribeListenersCommand({ LoadBalancerArn }))),
  );
  const certificates = await Array.fromAsync(paginateListCertificates({ client: raw.acm }, {}));
  const { clusterArns: clusters = [] } = await raw.ecs.send(new ListClustersCommand());
  const running = (await raw.ecs.send(new DescribeClustersCommand({ clusters }))).clusters ?? [];
  const { NatGateways = [] } = await raw.ec2.send(new DescribeNatGatewaysCommand());
  const { RouteTables = [] } = await raw.ec2.send(new DescribeRouteTablesCommand());
  const { SecurityGroups = [] } = await raw.ec2.send(new DescribeSecurityGroupsCommand());
  const { VpcEndpoints = [] } = await raw.ec2.send(new DescribeVpcEndpointsCommand());
  return {
    vpcs: (await raw.ec2.send(new DescribeVpcsCommand())).Vpcs?.length ?? 0,
    gateways: (await raw.ec2.send(new DescribeInternetGatewaysCommand())).InternetGateways?.length ?? 0,
    subnets: (await raw.ec2.send(new DescribeSubnetsCommand())).Subnets?.length ?? 0,
    addresses: (await raw.ec2.send(new DescribeAddressesCommand())).Addresses?.length ?? 0,
    natGateways: NatGateways.filter(({ State }) => State !== 'deleted').length,
    routeTables: RouteTables.length,
    routes: RouteTables.flatMap(({ Routes }) => Routes ?? []).length,
    associations: RouteTables.flatMap(({ Associations }) => Associations ?? []).length,
    endpoints: VpcEndpoints.filter(({ State }) => State?.toLowerCase() !== 'deleted').length,
    groups: SecurityGroups.length,
    waysIn: SecurityGroups.flatMap(({ IpPermissions }) => IpPermissions ?? []).length,
    waysOut: SecurityGroups.flatMap(({ IpPermissionsEgress }) => IpPermissionsEgress ?? []).length,
    loadBalancers: LoadBalancers.length,
    listeners: listeners.flatMap(({ Listeners }) => Listeners ?? []).length,
    certificates: certificates.flatMap(({ CertificateSummaryList }) => CertificateSummaryList ?? []).length,
    clusters: running.filter(({ status }) => status === 'ACTIVE').length,
    namespaces: (await raw.discovery.send(new ListNamespacesCommand())).Namespaces?.length ?? 0,
    logGroups: (await raw.logs.send(new DescribeLogGroupsCommand())).logGroups?.length ?? 0,
    repositories: (await raw.ecr.send(new DescribeRepositoriesCommand())).repositories?.length ?? 0,
    roles: (await raw.iam.send(new ListRolesCommand())).Roles?.length ?? 0,
    profiles: (await raw.iam.send(new ListInstanceProfilesCommand())).InstanceProfiles?.length ?? 0,
    buckets: (await raw.s3.send(new ListBucketsCommand())).Buckets?.length ?? 0,
  };
}

/** The ARNs of what has our tags, by the tagging API. */
export async function taggedThings(url: string): Promise<readonly string[]> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'ResourceGroupsTaggingAPI_20170126.GetResources',
      authorization:
        'AWS4-HMAC-SHA256 Credential=kit/20260101/us-east-1/tagging/aws4_request, SignedHeaders=host, Signature=0',
    },
    body: JSON.stringify({ TagFilters: [{ Key: 'clusternator_project' }] }),
  });
  const { ResourceTagMappingList } = (await answer.json()) as { ResourceTagMappingList: { ResourceARN: string }[] }; // the API's own shape
  return ResourceTagMappingList.map(({ ResourceARN }) => ResourceARN).sort();
}
