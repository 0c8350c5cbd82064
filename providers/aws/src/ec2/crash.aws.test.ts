import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { actionOf, type EcsScene, type Tenant } from '../ecs/testing/ecs-scene.ts';
import { command, machineThings, openMachineScene } from './testing/machine-scene.ts';
import { interrupted, MOMENTS } from '../testing/interrupted.ts';

let scene: EcsScene;
let shop: Tenant;
beforeAll(async () => {
  scene = await openMachineScene('moto');
  shop = await scene.tenant();
}, 120_000);
afterAll(() => scene.end());

/** Two public services, one of which has a secret. */
function whole(by: Tenant, id: string) {
  return by.spec(id, {
    api: command({ route: '/api', secrets: { PASSWORD: { name: 'PASSWORD' } } }),
    web: command(),
  });
}

describe.each(MOMENTS)('killed %s', (_, fault) => {
  test('an environment is made once at every call, and removed whole at every call', async () => {
    const before = await machineThings(scene);
    await shop.make(whole(shop, 'whole'));
    const made = await machineThings(scene);
    expect(made).toEqual({
      groups: 2,
      instances: 2,
      launchTemplates: 2,
      targetGroups: 2,
      rules: (before.rules ?? 0) + 2,
      secrets: 1,
      sources: 1,
    });
    await shop.remove('whole');
    expect(await machineThings(scene)).toEqual(before);

    const kills = { making: 0, removing: 0 };
    for (let nth = 1; ; nth++) {
      const id = `c${String(nth)}`;
      const died = await interrupted(scene, (by) => by.make(whole(by, id)), nth, fault);
      expect(await machineThings(scene)).toEqual(made);
      const removed = await interrupted(scene, async (by) => by.remove(id), nth, fault);
      expect(await machineThings(scene)).toEqual(before);
      if (died) kills.making = nth;
      if (removed) kills.removing = nth;
      if (!died && !removed) break;
    }
    expect(kills).toEqual({ making: 10, removing: 12 });
  }, 300_000);
});

test.each([
  'PutObject',
  'CreateSecret',
  'CreateTargetGroup',
  'CreateLaunchTemplate',
  'CreateRule',
  'CreateAutoScalingGroup',
])('what was killed after %s is on its way, and is removed as such', async (action) => {
  const before = await machineThings(scene);
  const lift = scene.wire.impose({
    when: (call) => actionOf(call) === action,
    fault: { kind: 'reset', after: true },
    times: 1,
  });
  const id = `half-${action.toLowerCase()}`;
  const spec = shop.spec(id, { web: command({ secrets: { KEY: { name: 'KEY' } } }) });
  await expect(shop.make(spec)).rejects.toThrow('ECONNRESET');
  lift();
  const by = await scene.tenant();
  const found = await by.call('read', (call) => by.environments.read({ id }, call));
  expect(['creating', 'active']).toContain(found?.phase);
  expect(found).toMatchObject({ id, fingerprint: spec.fingerprint, tags: spec.tags });
  await by.remove(id);
  expect(await machineThings(scene)).toEqual(before);
});
