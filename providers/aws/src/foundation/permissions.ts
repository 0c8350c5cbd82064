import type { Permission } from '@clusternator/core/provider';
import type { FoundationConfig } from './config.ts';

export const MAKES = ['foundation create', 'env create', 'promote'];
export const REMOVES = ['foundation destroy'];
export const BOTH = [...MAKES, ...REMOVES];
export const ALL = [...BOTH, 'foundation show'];

/** Actions without their service, and what they are done to. */
export type Rule = readonly [actions: string, resources: readonly string[], verbs: readonly string[]];

/**
 * What a foundation asks for. Names begin with `clusternator-`; what EC2, ACM and Cloud Map make has ids alone.
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
 */
export function foundationPermissions({ region = '*' }: Pick<FoundationConfig, 'region'>): readonly Permission[] {
  return [
    ...rules(
      'ec2',
      network((kind) => `arn:aws:ec2:${region}:*:${kind}/*`),
    ),
    ...rules('elasticloadbalancing', loadBalancers(`arn:aws:elasticloadbalancing:${region}:*:`)),
    ...rules('acm', certificates(`arn:aws:acm:${region}:*:certificate/*`)),
    ...rules('ecs', clusters(`arn:aws:ecs:${region}:*:cluster/clusternator-*`)),
    ...rules('servicediscovery', namespaces(`arn:aws:servicediscovery:${region}:*:namespace/*`)),
    ...rules('route53', zonesOfNamespaces),
    ...rules('logs', logs(`arn:aws:logs:${region}:*:log-group:`)),
    ...rules('ecr', repositories(`arn:aws:ecr:${region}:*:repository/clusternator-*`)),
    ...rules('iam', roles('arn:aws:iam::*:')),
    ...rules('s3', buckets('arn:aws:s3:::clusternator-*')),
  ];
}

/** As permissions, one an action and resource. */
export function rules(service: string, all: readonly Rule[]): readonly Permission[] {
  return all.flatMap(([actions, resources, verbs]) =>
    actions
      .split(' ')
      .flatMap((action) => resources.map((resource) => ({ action: `${service}:${action}`, resource, verbs }))),
  );
}

function network(any: (kind: string) => string): readonly Rule[] {
  const [vpc, subnet, gateway] = [any('vpc'), any('subnet'), any('internet-gateway')];
  const [address, nat, table] = [any('elastic-ip'), any('natgateway'), any('route-table')];
  const [endpoint, group] = [any('vpc-endpoint'), any('security-group')];
  return [
    [
      'DescribeAddresses DescribeAvailabilityZones DescribeInternetGateways DescribeNatGateways DescribeRouteTables ' +
        'DescribeSecurityGroups DescribeSubnets DescribeVpcAttribute DescribeVpcEndpoints DescribeVpcs',
      ['*'],
      ALL,
    ],
    // Tags are put as things are made.
    ['CreateTags', [vpc, subnet, gateway, address, nat, table, endpoint, group], MAKES],
    ['CreateVpc ModifyVpcAttribute', [vpc], MAKES],
    ['CreateInternetGateway', [gateway], MAKES],
    ['AttachInternetGateway', [gateway, vpc], MAKES],
    ['CreateSubnet', [subnet, vpc], MAKES],
    ['AllocateAddress', [address], MAKES],
    ['CreateNatGateway', [nat, subnet, address], MAKES],
    ['CreateRouteTable', [table, vpc], MAKES],
    ['CreateRoute ReplaceRoute', [table], MAKES],
    ['AssociateRouteTable ReplaceRouteTableAssociation', [table, subnet], MAKES],
    ['CreateVpcEndpoint', [endpoint, vpc, table], MAKES],
    ['ModifyVpcEndpoint', [endpoint, table], MAKES],
    ['CreateSecurityGroup', [group, vpc], MAKES],
    ['AuthorizeSecurityGroupIngress RevokeSecurityGroupEgress', [group], MAKES],
    // A network that shrinks loses subnets and gateways too.
    ['DeleteSubnet', [subnet], BOTH],
    ['ReleaseAddress', [address], BOTH],
    ['DeleteNatGateway', [nat], BOTH],
    ['DeleteRoute DeleteRouteTable', [table], BOTH],
    ['DisassociateRouteTable', [table, subnet], BOTH],
    ['DeleteVpcEndpoints', [endpoint], REMOVES],
    ['DeleteSecurityGroup', [group], REMOVES],
    ['DetachInternetGateway', [gateway, vpc], REMOVES],
    ['DeleteInternetGateway', [gateway], REMOVES],
    ['DeleteVpc', [vpc], REMOVES],
  ];
}

function loadBalancers(any: string): readonly Rule[] {
  const own = `${any}loadbalancer/app/clusternator-*`;
  const listener = `${any}listener/app/clusternator-*`;
  return [
    ['DescribeListeners DescribeLoadBalancers DescribeTags', ['*'], ALL],
    // Of one that there is to be no more: nothing may be on it.
    ['DescribeRules DescribeTargetGroups', ['*'], MAKES],
    ['AddTags', [own, listener], MAKES],
    ['CreateListener CreateLoadBalancer SetSecurityGroups SetSubnets', [own], MAKES],
    ['ModifyListener', [listener], MAKES],
    ['DeleteListener', [listener], BOTH],
    ['DeleteLoadBalancer', [own], BOTH],
  ];
}

export function certificates(any: string): readonly Rule[] {
  return [
    ['ListCertificates', ['*'], ALL],
    ['DescribeCertificate ListTagsForCertificate', [any], ALL],
    ['RequestCertificate', ['*'], MAKES],
    ['AddTagsToCertificate', [any], MAKES],
    ['DeleteCertificate', [any], BOTH],
  ];
}

function clusters(own: string): readonly Rule[] {
  return [
    ['DescribeClusters', [own], ALL],
    ['CreateCluster TagResource', [own], MAKES],
    ['DeleteCluster', [own], REMOVES],
  ];
}

function namespaces(any: string): readonly Rule[] {
  return [
    ['ListNamespaces ListTagsForResource', ['*'], ALL],
    ['CreatePrivateDnsNamespace TagResource', ['*'], MAKES],
    ['DeleteNamespace', [any], REMOVES],
  ];
}

/** Cloud Map has a zone for each namespace, in the name of whoever makes it, by the same actions as zones of ours. @see https://docs.aws.amazon.com/cloud-map/latest/api/API_CreatePrivateDnsNamespace.html */
const zonesOfNamespaces: readonly Rule[] = [['ListHostedZonesByName', ['*'], BOTH]];

function logs(any: string): readonly Rule[] {
  const own = `${any}clusternator-*`;
  return [
    ['DescribeLogGroups', [`${any}*`], ALL],
    ['ListTagsForResource', [own], ALL],
    ['CreateLogGroup PutRetentionPolicy TagResource', [own], MAKES],
    ['DeleteLogGroup', [own], REMOVES],
  ];
}

function repositories(own: string): readonly Rule[] {
  return [
    ['DescribeRepositories GetLifecyclePolicy ListTagsForResource', [own], ALL],
    ['CreateRepository PutImageTagMutability PutLifecyclePolicy TagResource', [own], MAKES],
    ['DeleteRepository', [own], REMOVES],
  ];
}

function roles(any: string): readonly Rule[] {
  const role = `${any}role/clusternator-*`;
  const profile = `${any}instance-profile/clusternator-*`;
  const services = ['ecs', 'elasticloadbalancing'];
  return [
    ['GetRole GetRolePolicy', [role], ALL],
    ['GetInstanceProfile', [profile], ALL],
    // To hand a role to a machine is to pass it.
    ['CreateRole PassRole PutRolePolicy TagRole', [role], MAKES],
    ['AddRoleToInstanceProfile CreateInstanceProfile TagInstanceProfile', [profile], MAKES],
    // Of an account in which nobody has used them yet.
    [
      'CreateServiceLinkedRole',
      services.map((service) => `${any}role/aws-service-role/${service}.amazonaws.com/*`),
      MAKES,
    ],
    ['DeleteRole DeleteRolePolicy', [role], REMOVES],
    ['DeleteInstanceProfile RemoveRoleFromInstanceProfile', [profile], REMOVES],
  ];
}

export function buckets(own: string): readonly Rule[] {
  return [
    ['GetBucketPublicAccessBlock GetBucketTagging GetBucketVersioning', [own], ALL],
    ['CreateBucket PutBucketPublicAccessBlock PutBucketVersioning TagResource', [own], MAKES],
    ['DeleteBucket ListBucketVersions', [own], REMOVES],
    ['DeleteObject DeleteObjectVersion', [`${own}/*`], REMOVES],
  ];
}
