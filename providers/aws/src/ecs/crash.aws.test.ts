import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  DescribeServicesCommand,
  ListTaskDefinitionsCommand,
  paginateListServices,
  type Service,
} from '@aws-sdk/client-ecs';
import { DescribeRulesCommand, DescribeTargetGroupsCommand } from '@aws-sdk/client-elastic-load-balancing-v2';
import { ListServicesCommand as ListNamesCommand } from '@aws-sdk/client-servicediscovery';
import { ListSecretsCommand } from '@aws-sdk/client-secrets-manager';
import { actionOf, database, openScene, web, type EcsScene, type Tenant } from './testing/ecs-scene.ts';
import { interrupted, MOMENTS } from '../testing/interrupted.ts';

let scene: EcsScene;
let shop: Tenant;
beforeAll(async () => {
  scene = await openScene('moto');
  shop = await scene.tenant();
}, 120_000);
afterAll(() => scene.end());

/** A service that others need, with a secret, and a public one. */
function whole(by: Tenant, id: string) {
  return by.spec(id, {
    db: database({ secrets: { PASSWORD: { name: 'PASSWORD' } } }),
    web: web({ needs: { db: 'DB_HOST' } }),
  });
}

/** All that there is in the account, by the cloud's own lists. */
async function things(): Promise<Readonly<Record<string, number>>> {
  const { raw, foundation } = scene;
  const { cluster } = foundation;
  const services: Service[] = [];
  for await (const { serviceArns = [] } of paginateListServices({ client: raw.ecs }, { cluster, maxResults: 10 })) {
    if (serviceArns.length === 0) continue;
    const described = await raw.ecs.send(new DescribeServicesCommand({ cluster, services: serviceArns }));
    services.push(...(described.services ?? []));
  }
  // One that is deregistered is still to be deleted.
  const definitions = (['ACTIVE', 'INACTIVE'] as const).map((status) =>
    raw.ecs.send(new ListTaskDefinitionsCommand({ status })),
  );
  const inListener = new DescribeRulesCommand({ ListenerArn: foundation.loadBalancer.http });
  return {
    services: services.filter(({ status }) => status === 'ACTIVE').length,
    taskDefinitions: (await Promise.all(definitions)).flatMap(({ taskDefinitionArns = [] }) => taskDefinitionArns)
      .length,
    targetGroups: (await raw.elb.send(new DescribeTargetGroupsCommand({}))).TargetGroups?.length ?? 0,
    rules: (await raw.elb.send(inListener)).Rules?.length ?? 0,
    names: (await raw.discovery.send(new ListNamesCommand({}))).Services?.length ?? 0,
    secrets: (await raw.secrets.send(new ListSecretsCommand({}))).SecretList?.length ?? 0,
  };
}

describe.each(MOMENTS)('killed %s', (_, fault) => {
  test('an environment is made once at every call, and removed whole at every call', async () => {
    const before = await things();
    await shop.make(whole(shop, 'whole'));
    const made = await things();
    expect(made).toEqual({
      services: 2,
      taskDefinitions: 2,
      targetGroups: 1,
      rules: (before.rules ?? 0) + 1,
      names: 1,
      secrets: 1,
    });
    await shop.remove('whole');
    expect(await things()).toEqual(before);

    const kills = { making: 0, removing: 0 };
    for (let nth = 1; ; nth++) {
      const id = `c${String(nth)}`;
      const died = await interrupted(scene, (by) => by.make(whole(by, id)), nth, fault);
      expect(await things()).toEqual(made);
      const removed = await interrupted(scene, async (by) => by.remove(id), nth, fault);
      expect(await things()).toEqual(before);
      if (died) kills.making = nth;
      if (removed) kills.removing = nth;
      if (!died && !removed) break;
    }
    expect(kills).toEqual({ making: 8, removing: 10 });
  }, 300_000);
});

test.each(['CreateSecret', 'CreateTargetGroup', 'RegisterTaskDefinition', 'CreateRule', 'CreateService'])(
  'what was killed after %s is on its way, and is removed as such',
  async (action) => {
    const before = await things();
    const lift = scene.wire.impose({
      when: (call) => actionOf(call) === action,
      fault: { kind: 'reset', after: true },
      times: 1,
    });
    const id = `half-${action.toLowerCase()}`;
    const spec = shop.spec(id, { web: web({ secrets: { KEY: { name: 'KEY' } } }) });
    await expect(shop.make(spec)).rejects.toThrow('ECONNRESET');
    lift();
    const by = await scene.tenant();
    const found = await by.call('read', (call) => by.environments.read({ id }, call));
    expect(['creating', 'active']).toContain(found?.phase);
    expect(found).toMatchObject({ id, fingerprint: spec.fingerprint, tags: spec.tags });
    await by.remove(id);
    expect(await things()).toEqual(before);
  },
);
