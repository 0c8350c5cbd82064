import { DescribeTargetGroupsCommand } from '@aws-sdk/client-elastic-load-balancing-v2';
import { ListTaskDefinitionsCommand } from '@aws-sdk/client-ecs';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { actionOf, openScene, type EcsScene, type Tenant } from './testing/ecs-scene.ts';

let scene: EcsScene;
let shop: Tenant;
beforeAll(async () => {
  scene = await openScene('moto');
  shop = await scene.tenant();
}, 120_000);
afterEach(() => scene.wire.lift());
afterAll(() => scene.end());

/** What is there of services, by the load balancer and by ECS. */
async function inventory() {
  const { TargetGroups = [] } = await scene.raw.elb.send(new DescribeTargetGroupsCommand());
  const { taskDefinitionArns = [] } = await scene.raw.ecs.send(new ListTaskDefinitionsCommand());
  return { targetGroups: TargetGroups.length, taskDefinitions: taskDefinitionArns.length };
}

/** As Elastic Load Balancing refuses. @see https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateRule.html */
function refuse(action: string, code: string): void {
  const body = `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>the limit</Message></Error></ErrorResponse>`;
  scene.wire.impose({
    when: (call) => actionOf(call) === action,
    fault: { kind: 'refuse', refusal: { status: 400, headers: { 'content-type': 'text/xml' }, body }, after: false },
  });
}

test.each([
  ['CreateRule', 'TooManyUniqueTargetGroupsPerLoadBalancer'],
  ['CreateRule', 'TooManyRules'],
  ['CreateTargetGroup', 'TooManyTargetGroups'],
])(
  'a load balancer that takes no more (%s: %s) is a quota; nothing is left, and what is there runs on',
  async (action, code) => {
    const there = await shop.make(shop.spec('first'));
    const before = await inventory();
    refuse(action, code);
    await expect(shop.make(shop.spec('second'))).rejects.toMatchObject({
      code: 'quota',
      detail: { hint: expect.stringContaining('100 target groups') },
    });
    await shop.remove('second');
    expect(await inventory()).toEqual(before);
    expect(await shop.call('read', (call) => shop.environments.read({ id: 'first' }, call))).toEqual(there);

    scene.wire.lift();
    expect((await shop.make(shop.spec('second'))).phase).toBe('active');
    await shop.remove('second');
    await shop.remove('first');
  },
);

test('a slot that a load balancer has no rule for is a quota, and leads nowhere', async () => {
  const head = await shop.make(shop.spec('head'));
  const spec = shop.slotSpec('master');
  const ensure = () => shop.call('make the slot', (call) => shop.slots.ensure(spec, call));
  refuse('CreateRule', 'TooManyRules');
  await expect(ensure()).rejects.toMatchObject({ code: 'quota' });
  expect(await shop.call('read', (call) => shop.slots.read({ id: 'master' }, call))).toBeUndefined();
  scene.wire.lift();
  await ensure();
  await shop.call('remove the slot', (call) => shop.slots.destroy({ id: 'master' }, call));
  await shop.remove(head.id);
});
