import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  CreateRuleCommand,
  CreateTargetGroupCommand,
  DeleteRuleCommand,
  DeleteTargetGroupCommand,
  DescribeListenersCommand,
  DescribeLoadBalancersCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import type { EmulatorName } from '@clusternator/emulators/emulator';
import type { AwsFoundation } from './outputs.ts';
import { actionOf, openScene, type FoundationScene, type Tenant } from './testing/foundation-scene.ts';
import { inventory } from './testing/inventory.ts';

const DOMAIN = 'preview.example.com';

describe.each<EmulatorName>(['moto', 'ministack'])('on %s', (emulator) => {
  let scene: FoundationScene;
  let nothing: Readonly<Record<string, number>>;
  let one: AwsFoundation;
  beforeAll(async () => {
    scene = await openScene(emulator);
    nothing = await inventory(scene.raw);
    one = (await scene.tenant().make(DOMAIN)).outputs!;
  }, 120_000);
  afterAll(() => scene.end());

  const written = (at: number): readonly string[] =>
    scene.wire
      .since(at)
      .flatMap((call) => (call.mutation === undefined ? [] : [actionOf(call)]))
      .sort();
  const plan = (of: Tenant) => of.call('plan', (call) => of.driver.plan(of.spec(DOMAIN), call));
  const second = async () => (await scene.tenant({ loadBalancers: 2 }).make(DOMAIN)).outputs?.otherLoadBalancers?.[0];

  test('a second load balancer is made beside the first, which stays as it is, with the same certificate and ways in', async () => {
    const shop = scene.tenant({ loadBalancers: 2 });
    const { changes } = await plan(shop);
    const added = ['load balancer 2', 'http listener 2', 'https listener 2'];
    expect(changes).toEqual([
      ...added.map((what) => ({ action: 'create', what })),
      { action: 'change', what: 'fingerprint' },
    ]);
    const at = scene.wire.calls.length;
    const { outputs, records } = await shop.make(DOMAIN);
    expect(written(at)).toEqual(['AddTags', 'CreateListener', 'CreateListener', 'CreateLoadBalancer']);
    const { otherLoadBalancers = [], ...others } = outputs!;
    expect(others).toEqual(one);
    expect(otherLoadBalancers).toHaveLength(1);
    expect(records?.flatMap(({ values }) => values)).not.toContain(otherLoadBalancers[0]?.dnsName.toLowerCase());

    const { elb } = scene.raw;
    const arns = [one.loadBalancer.arn, otherLoadBalancers[0]?.arn ?? ''];
    const { LoadBalancers = [] } = await elb.send(new DescribeLoadBalancersCommand({ LoadBalancerArns: arns }));
    const [groups] = LoadBalancers.map(({ SecurityGroups }) => SecurityGroups);
    expect(LoadBalancers.map(({ SecurityGroups }) => SecurityGroups)).toEqual([groups, groups]);
    const certificates = arns.map(async (LoadBalancerArn) => {
      const { Listeners = [] } = await elb.send(new DescribeListenersCommand({ LoadBalancerArn }));
      return Listeners.flatMap(({ Certificates = [] }) => Certificates.map(({ CertificateArn }) => CertificateArn));
    });
    const [ofFirst, ofSecond] = await Promise.all(certificates);
    expect([ofFirst?.length, ofSecond]).toEqual([1, ofFirst]);

    const again = scene.wire.calls.length;
    const fresh = scene.tenant({ loadBalancers: 2 });
    expect((await fresh.make(DOMAIN)).outputs).toEqual(outputs);
    expect((await fresh.read())?.outputs).toEqual(outputs);
    expect(await plan(fresh)).toEqual({ changes: [] });
    expect(written(again)).toEqual([]);
  });

  test('one is removed once nothing is on it, and otherwise what is there is told and nothing is written', async () => {
    const { elb } = scene.raw;
    const ListenerArn = (await second())?.https;
    const { TargetGroups = [] } = await elb.send(
      new CreateTargetGroupCommand({ Name: 'clusternator-c-a-0', Protocol: 'HTTP', Port: 80, VpcId: one.vpc }),
    );
    const TargetGroupArn = TargetGroups[0]?.TargetGroupArn;
    const { Rules = [] } = await elb.send(
      new CreateRuleCommand({
        ListenerArn,
        Priority: 1,
        Conditions: [{ Field: 'host-header', Values: [`a.${DOMAIN}`] }],
        Actions: [{ Type: 'forward', TargetGroupArn }],
      }),
    );
    const less = scene.tenant();
    const at = scene.wire.calls.length;
    const refused = {
      code: 'conflict',
      message: expect.stringMatching(/load balancer 2 .*rules \(1\) .*: a\.preview\.example\.com/),
      detail: expect.objectContaining({ path: 'provider.loadBalancers', effect: 'none' }),
    };
    await expect(less.make(DOMAIN)).rejects.toMatchObject(refused);
    await expect(plan(less)).rejects.toMatchObject(refused);
    expect(written(at)).toEqual([]);

    await elb.send(new DeleteRuleCommand({ RuleArn: Rules[0]?.RuleArn }));
    await elb.send(new DeleteTargetGroupCommand({ TargetGroupArn }));
    expect((await plan(less)).changes).toEqual(
      expect.arrayContaining([{ action: 'destroy', what: 'load balancer 2' }]),
    );
    expect((await less.make(DOMAIN)).outputs).toEqual(one);
    expect(await inventory(scene.raw)).toMatchObject({ 'load balancer': 1, listener: 2 });
  });

  test('another project of the account has load balancers of its own', async () => {
    const { elb } = scene.raw;
    const other = scene.tenant({ loadBalancers: 2 }, { project: 'other' });
    const made = await other.make();
    expect(made.outputs?.otherLoadBalancers).toHaveLength(1);
    expect((await scene.tenant().read())?.outputs).toEqual(one);
    await other.remove();
    const { LoadBalancers } = await elb.send(new DescribeLoadBalancersCommand({}));
    expect(LoadBalancers).toHaveLength(1);
  });

  test('whatever the config says by then, a destroy leaves none of them', async () => {
    await second();
    await scene.tenant().remove();
    expect(await inventory(scene.raw)).toEqual(nothing);
  });
});
