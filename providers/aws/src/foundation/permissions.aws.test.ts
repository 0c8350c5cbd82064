import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { PutImageTagMutabilityCommand } from '@aws-sdk/client-ecr';
import { DescribeSecurityGroupsCommand, RevokeSecurityGroupIngressCommand } from '@aws-sdk/client-ec2';
import { SetSecurityGroupsCommand } from '@aws-sdk/client-elastic-load-balancing-v2';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import type { WireCall } from '@clusternator/conformance';
import { foundationPermissions } from './permissions.ts';
import { openScene, type Config, type FoundationScene } from './testing/foundation-scene.ts';

let scene: FoundationScene;
beforeAll(async () => {
  scene = await openScene('moto');
}, 120_000);
afterAll(() => scene.end());

/** What AWS asks for beside the call itself, when things are made with tags and when other services make things. */
const IMPLIED = [
  'acm:AddTagsToCertificate',
  'ec2:CreateTags',
  'ecr:TagResource',
  'ecs:TagResource',
  'iam:CreateServiceLinkedRole',
  'iam:PassRole',
  'iam:TagInstanceProfile',
  'iam:TagRole',
  'logs:TagResource',
  'route53:ListHostedZonesByName',
  's3:DeleteObjectVersion',
  's3:TagResource',
  'servicediscovery:TagResource',
];
const S3: readonly (readonly [RegExp, string])[] = [
  [/^GET .*\?publicAccessBlock/, 'GetBucketPublicAccessBlock'],
  [/^PUT .*\?publicAccessBlock/, 'PutBucketPublicAccessBlock'],
  [/^GET .*\?tagging/, 'GetBucketTagging'],
  [/^GET .*\?versioning/, 'GetBucketVersioning'],
  [/^PUT .*\?versioning/, 'PutBucketVersioning'],
  [/^GET .*\?versions/, 'ListBucketVersions'],
  [/^POST .*\?delete/, 'DeleteObject'],
  [/^DELETE /, 'DeleteBucket'],
  [/^PUT /, 'CreateBucket'],
];

function actionOf({ method, path, headers, body }: WireCall): string {
  const service = /Credential=[^/]+\/\d+\/[^/]+\/([a-z0-9-]+)\//.exec(headers.authorization ?? '')?.[1] ?? '';
  const action = headers['x-amz-target']?.split('.').at(-1) ?? new URLSearchParams(body.toString()).get('Action');
  const named = action ?? S3.find(([pattern]) => pattern.test(`${method} ${path}`))?.[1] ?? `${method} ${path}`;
  return `${service}:${named}`;
}

test('what is declared is what is used, once AWS’s own conditions are counted', async () => {
  const make = async (config: Config, domain?: string) => (await scene.tenant(config).make(domain)).outputs;
  const small = await make({ network: { nat: 'none' } }, 'one.example');
  await scene.raw.s3.send(new PutObjectCommand({ Bucket: small?.bucket, Key: 'tree', Body: 'tree' }));
  const { app = '', db = '' } = small?.securityGroups ?? {};
  const { SecurityGroups = [] } = await scene.raw.ec2.send(new DescribeSecurityGroupsCommand({ GroupIds: [app] }));
  const IpPermissions = SecurityGroups[0]?.IpPermissions;
  await scene.raw.ec2.send(new RevokeSecurityGroupIngressCommand({ GroupId: app, IpPermissions }));
  const LoadBalancerArn = small?.loadBalancer.arn;
  await scene.raw.elb.send(new SetSecurityGroupsCommand({ LoadBalancerArn, SecurityGroups: [db] }));
  const repositoryName = small?.repository.split('/').at(-1);
  await scene.raw.ecr.send(new PutImageTagMutabilityCommand({ repositoryName, imageTagMutability: 'MUTABLE' }));
  await make({ network: { zones: 3, nat: 'zone' }, loadBalancers: 2, logDays: 7 }, 'two.example');
  await make({ network: { nat: 'one' } });
  await scene.tenant().remove();

  const used = new Set([...scene.wire.calls.map(actionOf), ...IMPLIED, 'ec2:ReplaceRoute']);
  used.delete('sts:GetCallerIdentity'); // whoever is known may ask who they are
  const declared = new Set(foundationPermissions({ region: 'eu-west-1' }).map(({ action }) => action));
  expect([...used].sort()).toEqual([...declared].sort());
});

test('no resource is wider than its service lets it be', () => {
  const anything = foundationPermissions({ region: 'eu-west-1' }).filter(({ resource }) => resource === '*');
  const actions = anything.map(({ action }) => action.replace(/Describe\w+$/, 'Describe'));
  expect([...new Set(actions)]).toEqual([
    'ec2:Describe',
    'elasticloadbalancing:Describe',
    'acm:ListCertificates',
    'acm:RequestCertificate',
    'servicediscovery:ListNamespaces',
    'servicediscovery:ListTagsForResource',
    'servicediscovery:CreatePrivateDnsNamespace',
    'servicediscovery:TagResource',
    'route53:ListHostedZonesByName',
  ]);
});
