import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { PutRetentionPolicyCommand } from '@aws-sdk/client-cloudwatch-logs';
import {
  AuthorizeSecurityGroupIngressCommand,
  CreateTagsCommand,
  DeleteRouteCommand,
  DescribeRouteTablesCommand,
  DescribeSecurityGroupsCommand,
  DescribeVpcsCommand,
  DisassociateRouteTableCommand,
  RevokeSecurityGroupIngressCommand,
} from '@aws-sdk/client-ec2';
import { PutImageTagMutabilityCommand } from '@aws-sdk/client-ecr';
import { DeleteListenerCommand } from '@aws-sdk/client-elastic-load-balancing-v2';
import { DeleteRolePolicyCommand } from '@aws-sdk/client-iam';
import { DeletePublicAccessBlockCommand, PutBucketVersioningCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import type { AwsFoundation } from './outputs.ts';
import { actionOf, openScene, type Config, type FoundationScene } from './testing/foundation-scene.ts';
import { inventory } from './testing/inventory.ts';

let scene: FoundationScene;
let nothing: Readonly<Record<string, number>>;
beforeAll(async () => {
  scene = await openScene('moto');
  nothing = await inventory(scene.raw);
}, 120_000);
afterAll(() => scene.end());
afterEach(async () => {
  await scene.tenant().remove();
  expect(await inventory(scene.raw)).toEqual(nothing);
});

const written = (at: number): readonly string[] =>
  scene.wire
    .since(at)
    .flatMap((call) => (call.mutation === undefined ? [] : [actionOf(call)]))
    .sort();
async function change(config: Config, domain?: string): Promise<{ outputs: AwsFoundation; calls: readonly string[] }> {
  const at = scene.wire.calls.length;
  const shop = scene.tenant(config);
  const { outputs, phase, fingerprint } = await shop.make(domain);
  expect({ phase, fingerprint }).toEqual({ phase: 'active', fingerprint: shop.spec(domain).fingerprint });
  const calls = written(at);
  expect(await scene.tenant(config).read()).toMatchObject({ phase: 'active', outputs });
  return { outputs: outputs!, calls };
}

test('what was changed by hand is told, and mended; what somebody added stays', async () => {
  const { outputs } = await change({});
  const { ec2, elb, logs, ecr, iam, s3 } = scene.raw;
  const vpcFilter = [{ Name: 'vpc-id', Values: [outputs.vpc] }];
  const { RouteTables = [] } = await ec2.send(new DescribeRouteTablesCommand({ Filters: vpcFilter }));
  const publicTable = RouteTables.find(({ Routes }) => Routes?.some(({ GatewayId }) => GatewayId?.startsWith('igw-')));
  const RouteTableId = publicTable?.RouteTableId;
  await ec2.send(new DeleteRouteCommand({ RouteTableId, DestinationCidrBlock: '0.0.0.0/0' }));
  const AssociationId = publicTable?.Associations?.[0]?.RouteTableAssociationId;
  await ec2.send(new DisassociateRouteTableCommand({ AssociationId }));
  const { app } = outputs.securityGroups;
  const permissionsOf = async () =>
    (await ec2.send(new DescribeSecurityGroupsCommand({ GroupIds: [app] }))).SecurityGroups?.[0]?.IpPermissions ?? [];
  await ec2.send(new RevokeSecurityGroupIngressCommand({ GroupId: app, IpPermissions: await permissionsOf() }));
  const office = { IpProtocol: 'tcp', FromPort: 22, ToPort: 22, IpRanges: [{ CidrIp: '192.0.2.7/32' }] };
  await ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId: app, IpPermissions: [office] }));
  await ec2.send(new CreateTagsCommand({ Resources: [outputs.vpc], Tags: [{ Key: 'team', Value: 'shop' }] }));
  await elb.send(new DeleteListenerCommand({ ListenerArn: outputs.loadBalancer.http }));
  await logs.send(new PutRetentionPolicyCommand({ logGroupName: outputs.logGroup, retentionInDays: 1 }));
  const repositoryName = outputs.repository.split('/').at(-1);
  await ecr.send(new PutImageTagMutabilityCommand({ repositoryName, imageTagMutability: 'MUTABLE' }));
  const RoleName = outputs.roles.execution.split('/').at(-1);
  await iam.send(new DeleteRolePolicyCommand({ RoleName, PolicyName: 'clusternator' }));
  const Bucket = outputs.bucket;
  await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Suspended' } }));
  await s3.send(new DeletePublicAccessBlockCommand({ Bucket }));
  await s3.send(new PutObjectCommand({ Bucket, Key: 'kept', Body: 'kept' }));

  const told = await scene.tenant().read();
  expect(told).toMatchObject({ phase: 'creating', message: expect.stringContaining('way out of public routes') });
  const { calls } = await change({});
  expect(calls).toEqual([
    'AssociateRouteTable',
    'AuthorizeSecurityGroupIngress',
    'CreateListener',
    'CreateRoute',
    'PUT /bucket/?publicAccessBlock=',
    'PUT /bucket/?versioning=',
    'PutImageTagMutability',
    'PutRetentionPolicy',
    'PutRolePolicy',
  ]);
  expect(await permissionsOf()).toEqual(expect.arrayContaining([expect.objectContaining({ FromPort: 22 })]));
  const { Vpcs } = await ec2.send(new DescribeVpcsCommand({ VpcIds: [outputs.vpc] }));
  expect(Vpcs?.[0]?.Tags).toContainEqual({ Key: 'team', Value: 'shop' });
});

test('sizes change in place, to more and back to less', async () => {
  const small = await change({ network: { nat: 'none' }, logDays: 7 });
  expect(small.outputs.tasks).toEqual({ subnets: small.outputs.subnets.public, publicAddress: true });
  const few = await inventory(scene.raw);
  const shop = scene.tenant({ network: { nat: 'zone', zones: 3 } });
  const plan = await shop.call('plan', (call) => shop.driver.plan(shop.spec(), call));
  expect(plan.changes).toEqual(
    expect.arrayContaining([
      { action: 'create', what: 'app subnet 3' },
      { action: 'create', what: 'nat gateway 3' },
      { action: 'change', what: 'load balancer' },
      { action: 'change', what: 'days of logs' },
    ]),
  );
  const large = await change({ network: { nat: 'zone', zones: 3 } });
  expect(large.outputs.tasks).toEqual({ subnets: large.outputs.subnets.app, publicAddress: false });
  expect(large.outputs.subnets.app.slice(0, 2)).toEqual(small.outputs.subnets.app);
  expect(await inventory(scene.raw)).toMatchObject({ 'nat gateway': 3, address: 3, subnet: few.subnet! + 3 });
  const middle = await change({ network: { nat: 'one', zones: 3 } });
  expect(await inventory(scene.raw)).toMatchObject({ 'nat gateway': 1, address: 1 });
  expect({ ...middle.outputs, namespace: '' }).toEqual({ ...large.outputs, namespace: '' });
  await change({ network: { nat: 'none' }, logDays: 7 });
  expect(await inventory(scene.raw)).toEqual(few);
});

test('a domain is given, changed and taken away', async () => {
  const without = await change({});
  const first = await change({}, 'one.example');
  expect(first.outputs.loadBalancer).toMatchObject({
    arn: without.outputs.loadBalancer.arn,
    https: expect.any(String),
  });
  const second = await change({}, 'two.example');
  expect(second.outputs).toEqual({ ...first.outputs, domain: 'two.example' });
  expect(second.calls).toEqual(['AddTags', 'DeleteCertificate', 'ModifyListener', 'RequestCertificate']);
  expect(await inventory(scene.raw)).toMatchObject({ certificate: 1, listener: 2 });
  const last = await change({});
  expect(last.outputs).toEqual(without.outputs);
  expect(last.calls).toEqual(['AddTags', 'DeleteCertificate', 'DeleteListener', 'ModifyListener']);
});

test('a certificate that AWS gave up is another one for whoever comes next', async () => {
  const answered = (Status: string, CertificateArn: string) => ({
    status: 200,
    body: JSON.stringify({ Certificate: { CertificateArn, DomainName: '*.one.example', Status } }),
  });
  let givenUp: string | undefined;
  const lift = scene.wire.impose({
    when(call) {
      if (actionOf(call) !== 'DescribeCertificate') return false;
      const { CertificateArn } = JSON.parse(call.body.toString()) as { readonly CertificateArn: string };
      return (givenUp ??= CertificateArn) === CertificateArn;
    },
    fault: { kind: 'refuse', refusal: () => answered('VALIDATION_TIMED_OUT', givenUp ?? ''), after: false },
  });
  expect(await scene.tenant().make('one.example')).toMatchObject({
    phase: 'failed',
    message: expect.stringContaining('the certificate for *.one.example is VALIDATION_TIMED_OUT'),
  });
  const at = scene.wire.calls.length;
  expect((await change({}, 'one.example')).outputs.loadBalancer.https).toBeDefined();
  const ofCertificates = written(at).filter((action) => action.endsWith('Certificate'));
  expect(ofCertificates).toEqual(['DeleteCertificate', 'RequestCertificate']);
  expect(await inventory(scene.raw)).toMatchObject({ certificate: 1, listener: 2 });
  lift();
});
