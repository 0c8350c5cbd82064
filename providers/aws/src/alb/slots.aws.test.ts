import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  AddTagsCommand,
  CreateRuleCommand,
  DeleteRuleCommand,
  DescribeRulesCommand,
  DescribeTagsCommand,
  ModifyRuleCommand,
  type Rule,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import type { Environment, Route, Slot, SlotSpec } from '@clusternator/core';
import { targetOf } from '../ecs/handle.ts';
import { actionOf, openScene, web, type EcsScene, type Tenant } from '../ecs/testing/ecs-scene.ts';
import { forwardTo } from './actions.ts';
import { pathsOf } from './conditions.ts';
import { formatMark } from './slot-marks.ts';
import { slotKey, slotRuleOf } from './slot-rules.ts';

describe.each(['moto', 'ministack'] as const)('slots on %s', (emulator) => {
  let scene: EcsScene;
  let shop: Tenant;
  /** Two with a page and an interface, and one with a page alone. */
  let a: Environment;
  let b: Environment;
  let plain: Environment;
  beforeAll(async () => {
    scene = await openScene(emulator);
    shop = await scene.tenant();
    const both = { web: web(), api: web({ route: '/api', port: 8081 }) };
    a = await shop.make(shop.spec('a1', both));
    b = await shop.make(shop.spec('b1', both));
    plain = await shop.make(shop.spec('p1'));
  }, 120_000);
  afterAll(() => scene.end());

  const BOTH = { web: '/', api: '/api' };
  const ensure = (spec: SlotSpec, by = shop): Promise<Slot> => by.call('ensure', (call) => by.slots.ensure(spec, call));
  const read = (id: string, by = shop): Promise<Slot | undefined> =>
    by.call('read', (call) => by.slots.read({ id }, call));
  const remove = (id: string, by = shop): Promise<void> => by.call('remove', (call) => by.slots.destroy({ id }, call));
  const route = (slot: Slot, routes: readonly Route[], stamp = '1', by = shop): Promise<Slot> =>
    by.call('route', (call) => by.slots.route(slot, routes, stamp, call));
  const to = ({ handle }: Environment, percent = 100): Route => ({ handle, percent });
  const rulesOf = async (id: string, by = shop): Promise<readonly Rule[]> => {
    const { http } = scene.foundation.loadBalancer;
    const { Rules = [] } = await scene.raw.elb.send(new DescribeRulesCommand({ ListenerArn: http }));
    return Rules.filter((rule) => slotRuleOf(rule)?.key === slotKey(by.host, id));
  };
  const ruleOf = async (id: string, role: string, part: string): Promise<Rule> => {
    const found = (await rulesOf(id)).find(
      (rule) => slotRuleOf(rule)?.role === role && slotRuleOf(rule)?.part === part,
    );
    if (!found) throw new Error(`slot ${id} has no rule of ${role} ${part}`);
    return found;
  };
  /** The whole of a handle that a route shows is the environment's. */
  const isOf = (shown: Route | undefined, { handle }: Environment): boolean =>
    Object.entries(shown?.handle ?? { none: '' }).every(([key, value]) => handle[key] === value);

  test('a new slot leads nowhere; it is made in one call a rule, read as it was made, and changed by none', async () => {
    const spec = shop.slotSpec('s1', { parts: BOTH });
    const start = scene.wire.calls.length;
    const made = await ensure(spec);
    const calls = scene.wire.since(start).map(actionOf);
    expect(calls.filter((action) => action === 'CreateRule')).toHaveLength(6);
    expect(calls.filter((action) => action !== 'CreateRule')).toEqual([
      'DescribeRules',
      'DescribeRules',
      'DescribeTags',
    ]);
    expect(made).toMatchObject({
      id: 's1',
      phase: 'active',
      fingerprint: spec.fingerprint,
      routes: [],
      url: 'http://s1--shop.example.com',
    });
    expect(made.stamp).toBeUndefined();
    expect(JSON.stringify(made.handle).length).toBeLessThan(4096);
    expect(made.records?.map(({ name, type, values }) => [name, type, values])).toContainEqual([
      's1--shop.example.com',
      'CNAME',
      [scene.foundation.loadBalancer.dnsName.toLowerCase()],
    ]);
    const { records: _, ...rest } = made;
    expect(await read('s1')).toEqual(rest);
    for (const { Actions } of await rulesOf('s1')) {
      expect(Actions).toMatchObject([{ Type: 'fixed-response', FixedResponseConfig: { StatusCode: '503' } }]);
    }
    const before = scene.wire.mutations;
    await ensure(spec);
    await ensure(spec, await scene.tenant());
    expect(scene.wire.mutations).toBe(before);
    await remove('s1');
    expect(await read('s1')).toBeUndefined();
    await remove('s1');
    expect(await rulesOf('s1')).toEqual([]);
  });

  test('an end that comes late takes no rule of a slot that was made anew', async () => {
    const end = (slot: Slot): Promise<void> => shop.call('remove', (call) => shop.slots.destroy(slot, call));
    const former = await route(await ensure(shop.slotSpec('s0')), [to(a)], '1');
    await end(former);
    expect(await read('s0')).toBeUndefined();
    await end(former);
    const anew = await route(await ensure(shop.slotSpec('s0')), [to(b)], '2');
    await expect(end(former)).rejects.toMatchObject({ code: 'conflict', effect: 'none' });
    expect(isOf((await read('s0'))?.routes[0], b)).toBe(true);
    await end(anew);
    expect(await rulesOf('s0')).toEqual([]);
  });

  test('routes, standbys and stamp are one write a rule, and come back as they were asked for', async () => {
    const slot = await ensure(shop.slotSpec('s2', { parts: BOTH }));
    const start = scene.wire.calls.length;
    const first = await route(slot, [to(a)], 'e1');
    const calls = scene.wire.since(start).map(actionOf);
    expect(calls).toEqual(Array.from({ length: 6 }, () => 'ModifyRule'));
    expect(first).toMatchObject({ stamp: 'e1', routes: [{ percent: 100 }] });
    expect(isOf(first.routes[0], a)).toBe(true);

    const flipped = await route(first, [to(b), to(a, 0), to(plain, 0)], 'e3');
    expect(flipped.routes.map(({ percent }) => percent)).toEqual([100, 0, 0]);
    expect(flipped.routes.map((one, at) => isOf(one, [b, a, plain][at] ?? a))).toEqual([true, true, true]);
    expect(await read('s2')).toEqual({ ...flipped, records: undefined });
    expect(flipped.stamp).toBe('e3');

    const again = await route(flipped, [to(b), to(a, 0), to(plain, 0)], 'e4');
    expect([again.stamp, again.routes]).toEqual(['e4', flipped.routes]);
    await remove('s2');
  });

  test('what an environment lacks is a 404', async () => {
    const slot = await ensure(shop.slotSpec('s3', { parts: BOTH }));
    const whole = await route(slot, [to(plain)], 'e1');
    expect([whole.routes.length, isOf(whole.routes[0], plain)]).toEqual([1, true]);
    expect((await ruleOf('s3', 'head', 'api')).Actions).toMatchObject([
      { Type: 'fixed-response', FixedResponseConfig: { StatusCode: '404' } },
    ]);
    await remove('s3');
  });

  // MiniStack drops what has weights.
  if (emulator === 'moto')
    test('traffic is split, and what one environment lacks leaves the others their share', async () => {
      const slot = await ensure(shop.slotSpec('s3', { parts: BOTH }));
      const split = await route(slot, [to(a, 90), to(b, 10)], 'e1');
      expect(split.routes.map(({ percent }) => percent)).toEqual([90, 10]);
      expect([isOf(split.routes[0], a), isOf(split.routes[1], b)]).toEqual([true, true]);
      const lacking = await route(split, [to(plain, 70), to(a, 30)], 'e2');
      expect(lacking.routes.map(({ percent, part }) => [percent, part])).toEqual([
        [70, undefined],
        [30, undefined],
      ]);
      expect(await read('s3')).toEqual({ ...lacking, records: undefined });
      await remove('s3');
    });

  test('a flip that was cut short is read by its parts, under nobody’s stamp, and finished by the same call', async () => {
    const slot = await ensure(shop.slotSpec('s4', { parts: BOTH }));
    const before = await route(slot, [to(a)], 'e1');
    const target = (await ruleOf('s4', 'head', 'api')).RuleArn ?? '';
    const lift = scene.wire.impose({
      when: (call) => actionOf(call) === 'ModifyRule' && call.body.includes(encodeURIComponent(target)),
      fault: { kind: 'reset', after: false },
      times: 1,
    });
    await expect(route(before, [to(b)], 'e2')).rejects.toThrow('ECONNRESET');
    lift();
    const torn = await read('s4');
    expect(torn?.routes.filter(({ percent }) => percent > 0).map(({ part, percent }) => [part, percent])).toEqual(
      expect.arrayContaining([
        ['web', 100],
        ['api', 100],
      ]),
    );
    expect(['e1', 'e2']).not.toContain(torn?.stamp);
    const by = await scene.tenant();
    const done = await route(torn ?? slot, [to(b)], 'e2', by);
    expect([done.stamp, done.routes.length, isOf(done.routes[0], b)]).toEqual(['e2', 1, true]);
    await remove('s4', by);
  });

  test('an environment to which a slot leads, be it as a standby, is not destroyed', async () => {
    const head = await shop.make(shop.spec('h1'));
    const standby = await shop.make(shop.spec('h2'));
    const slot = await route(await ensure(shop.slotSpec('s5')), [to(head), to(standby, 0)]);
    const before = scene.wire.mutations;
    for (const { id } of [head, standby]) {
      const destroying = shop.call('destroy', (call) => shop.environments.destroy({ id }, call));
      await expect(destroying).rejects.toMatchObject({ code: 'conflict' });
    }
    expect(scene.wire.mutations).toBe(before);
    const empty = await route(slot, [], '2');
    expect(empty.routes).toEqual([]);
    await shop.remove('h1');
    await shop.remove('h2');
    await remove('s5');
  });

  test('a slot changes in place: its routes stay, also where a path takes another place among the rules', async () => {
    const slot = await ensure(shop.slotSpec('s6', { parts: BOTH }));
    const routed = await route(slot, [to(b), to(a, 0)], 'e1');
    const more = ['s6--shop.example.com', 'www.example.org'];
    const renamed = await ensure(shop.slotSpec('s6', { parts: BOTH, hosts: more }));
    expect([renamed.routes, renamed.stamp]).toEqual([routed.routes, 'e1']);
    expect(slotRuleOf(await ruleOf('s6', 'head', 'web'))?.hosts).toEqual(more);

    const moved = await ensure(shop.slotSpec('s6', { parts: { web: '/', api: '/v2/api' }, hosts: more }));
    expect([moved.routes, moved.stamp]).toEqual([routed.routes, 'e1']);
    const [api, page] = [await ruleOf('s6', 'head', 'api'), await ruleOf('s6', 'head', 'web')];
    expect(pathsOf(api)).toEqual(['/v2/api', '/v2/api/*']);
    expect(Number(api.Priority)).toBeLessThan(Number(page.Priority));
    expect(await rulesOf('s6')).toHaveLength(6);

    const fewer = await ensure(shop.slotSpec('s6', { standbyHosts: ['s6-1--shop.example.com'] }));
    expect(fewer.routes.map(({ percent }) => percent)).toEqual([100, 0]);
    expect(await rulesOf('s6')).toHaveLength(2);
    const wider = await ensure(shop.slotSpec('s6', { parts: BOTH }));
    expect([wider.routes.map(({ percent }) => percent), wider.stamp]).toEqual([[100, 0], 'e1']);
    expect((await read('s6'))?.fingerprint).toBe(shop.slotSpec('s6', { parts: BOTH }).fingerprint);
    await remove('s6');
  });

  test('what somebody else wrote is read, and tags that are not ours stay', async () => {
    const spec = shop.slotSpec('s7');
    const slot = await route(await ensure(spec), [to(a)], 'e1');
    const { RuleArn = '' } = await ruleOf('s7', 'head', 'web');
    await scene.raw.elb.send(new AddTagsCommand({ ResourceArns: [RuleArn], Tags: [{ Key: 'team', Value: 'blue' }] }));
    const theirs = forwardTo([{ targetGroup: targetOf(b.handle, 'web') ?? '', percent: 100 }]);
    await scene.raw.elb.send(new ModifyRuleCommand({ RuleArn, Actions: theirs }));
    const drifted = await read('s7');
    expect([drifted?.routes.length, isOf(drifted?.routes[0], b), isOf(drifted?.routes[0], a)]).toEqual([
      1,
      true,
      false,
    ]);
    await ensure(shop.slotSpec('s7', { hosts: [...spec.hosts, 'www.example.org'] }));
    expect(isOf((await read('s7'))?.routes[0], b)).toBe(true);
    const { TagDescriptions } = await scene.raw.elb.send(new DescribeTagsCommand({ ResourceArns: [RuleArn] }));
    expect(TagDescriptions?.[0]?.Tags).toContainEqual({ Key: 'team', Value: 'blue' });
    expect(slot.routes).toHaveLength(1);
    await remove('s7');
  });

  test('a rule with our mark that is not ours is neither changed nor removed', async () => {
    const mark = formatMark({ stamp: '1', part: 'web', role: 'head', key: slotKey(shop.host, 's8') });
    const planted = await scene.raw.elb.send(
      new CreateRuleCommand({
        ListenerArn: scene.foundation.loadBalancer.http,
        Priority: 3,
        Conditions: [{ Field: 'host-header', Values: [mark] }],
        Actions: [{ Type: 'fixed-response', FixedResponseConfig: { StatusCode: '200' } }],
      }),
    );
    const before = scene.wire.mutations;
    for (const doing of [() => ensure(shop.slotSpec('s8')), () => read('s8'), () => remove('s8')]) {
      await expect(doing()).rejects.toMatchObject({ code: 'owned-by-other' });
    }
    expect(scene.wire.mutations).toBe(before);
    expect(await rulesOf('s8')).toHaveLength(1);
    await scene.raw.elb.send(new DeleteRuleCommand({ RuleArn: planted.Rules?.[0]?.RuleArn }));
  });

  test('two projects have slots of one name, and see their own alone', async () => {
    const blog = await scene.tenant({ project: 'blog' });
    const theirs = await blog.make(blog.spec('x1'));
    await route(await ensure(shop.slotSpec('main')), [to(a)], '1');
    const other = await route(await ensure(blog.slotSpec('main'), blog), [to(theirs)], '7', blog);
    const list = (by: Tenant) => by.call('list', (call) => Array.fromAsync(by.slots.list(call)));
    for (const by of [shop, blog]) expect((await list(by)).map(({ id }) => id)).toEqual(['main']);
    await remove('main');
    expect(await list(shop)).toEqual([]);
    expect((await read('main', blog))?.routes).toEqual(other.routes);
    await remove('main', blog);
    await blog.remove('x1');
  });

  test('hosts and paths that no rule has room for are refused before anything is made', async () => {
    const before = scene.wire.mutations;
    const hosts = ['a', 'b', 'c'].map((label) => `${label}.example.com`);
    await expect(ensure(shop.slotSpec('s9', { hosts, parts: BOTH }))).rejects.toMatchObject({ code: 'invalid' });
    expect(scene.wire.mutations).toBe(before);
    expect(await rulesOf('s9')).toEqual([]);
  });
});
