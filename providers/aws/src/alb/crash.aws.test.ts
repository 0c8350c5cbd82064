import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { DescribeRulesCommand } from '@aws-sdk/client-elastic-load-balancing-v2';
import type { Environment, Route, Slot, SlotSpec } from '@clusternator/core';
import { openScene, web, type EcsScene, type Tenant } from '../ecs/testing/ecs-scene.ts';
import { targetGroupsOf } from './actions.ts';
import { pathsOf } from './conditions.ts';
import { slotRuleOf } from './slot-rules.ts';
import { interrupted, MOMENTS } from '../testing/interrupted.ts';

let scene: EcsScene;
let a: Environment;
let b: Environment;
beforeAll(async () => {
  scene = await openScene('moto');
  const shop = await scene.tenant();
  const both = { web: web(), api: web({ route: '/api', port: 8081 }) };
  a = await shop.make(shop.spec('a1', both));
  b = await shop.make(shop.spec('b1', both));
}, 120_000);
afterAll(() => scene.end());

const FIRST = { parts: { web: '/', api: '/api' }, standbyHosts: ['s1-1--shop.example.com'] };
/** Other hosts, a path elsewhere, no standby, a part more. */
const OTHER = {
  parts: { web: '/', api: '/v2/api', docs: '/docs' },
  hosts: ['s1--shop.example.com', 'www.example.org'],
  standbyHosts: [],
};

/** What there is of slots, by the load balancer's own list: ids and priorities apart. */
async function things(): Promise<readonly string[]> {
  const { http } = scene.foundation.loadBalancer;
  const { Rules = [] } = await scene.raw.elb.send(new DescribeRulesCommand({ ListenerArn: http }));
  return Rules.flatMap((rule) => {
    const told = slotRuleOf(rule);
    return told ? [JSON.stringify([told, pathsOf(rule), targetGroupsOf(rule)])] : [];
  }).sort();
}

const ensure = (by: Tenant, spec: Partial<SlotSpec>): Promise<Slot> =>
  by.call('ensure', (call) => by.slots.ensure(by.slotSpec('s1', spec), call));
const remove = (by: Tenant): Promise<void> => by.call('remove', (call) => by.slots.destroy({ id: 's1' }, call));
async function route(by: Tenant, routes: readonly Route[], stamp: string): Promise<Slot> {
  const slot = await by.call('read', (call) => by.slots.read({ id: 's1' }, call));
  if (!slot) throw new Error('there is no slot');
  return by.call('route', (call) => by.slots.route(slot, routes, stamp, call));
}
const toA = (): readonly Route[] => [{ handle: a.handle, percent: 100 }];
const toB = (): readonly Route[] => [
  { handle: b.handle, percent: 100 },
  { handle: a.handle, percent: 0 },
];

describe.each(MOMENTS)('killed %s', (_, fault) => {
  const steps: readonly (readonly [string, (by: Tenant) => Promise<unknown>, (by: Tenant) => Promise<unknown>])[] = [
    ['made', () => Promise.resolve(), (by) => ensure(by, FIRST)],
    ['flipped', async (by) => (await ensure(by, FIRST), await route(by, toA(), '1')), (by) => route(by, toB(), '2')],
    ['changed', async (by) => (await ensure(by, FIRST), await route(by, toB(), '2')), (by) => ensure(by, OTHER)],
    ['removed', (by) => ensure(by, FIRST), remove],
  ];

  test.each(steps)(
    'a slot is %s once at every call',
    async (_what, before, work) => {
      const by = await scene.tenant();
      await before(by);
      await work(by);
      const done = await things();
      for (let nth = 1; ; nth++) {
        const next = await scene.tenant();
        await remove(next);
        await before(next);
        const died = await interrupted(scene, work, nth, fault);
        expect(await things()).toEqual(done);
        if (!died) {
          expect(nth).toBeGreaterThan(4);
          break;
        }
      }
      await remove(await scene.tenant());
      expect(await things()).toEqual([]);
    },
    180_000,
  );
});
