import { afterEach, expect, test } from '@jest/globals';

import type { EnvironmentAnswer } from './cli.ts';
import { CloudApp, CONFIG } from './cloud-app.ts';
import type { ChangeAnswer } from './slot-app.ts';

const ON_TWO = CONFIG.replace('region: us-east-1', 'region: us-east-1, loadBalancers: 2');

let app: CloudApp;
afterEach(() => app[Symbol.asyncDispose]());

interface FoundationAnswer {
  readonly foundation: {
    readonly outputs: {
      readonly loadBalancer: { readonly dnsName: string };
      readonly otherLoadBalancers?: readonly { readonly dnsName: string }[];
    };
  };
}

const createOf = async (version: string): Promise<EnvironmentAnswer> => app.create(await app.commit(version));
/** The load balancer that a name leads to. */
const behind = async (url: string): Promise<string | undefined> => (await app.cloud.dig(new URL(url).hostname))[0];

async function balancers(): Promise<readonly string[]> {
  const { outputs } = (await app.tool<FoundationAnswer>('foundation', 'show')).foundation;
  return [outputs.loadBalancer, ...(outputs.otherLoadBalancers ?? [])].map(({ dnsName }) => dnsName);
}

test('on moto: a foundation grows to two load balancers under a slot, which goes on, and back to what it led to before; in the end nothing is left', async () => {
  app = await CloudApp.open('moto');
  const { cluster: _, ...before } = await app.account.inventory();
  const shared = await createOf('a');
  const { slot } = await app.tool<ChangeAnswer>('promote', shared.id, 'master');
  await app.follows(slot.url, 'a');
  const [first] = await balancers();
  const records = await app.account.records();

  await app.repository.write('clusternator.config.yaml', ON_TWO.replace('PROJECT', app.sandbox.project));
  const b = await createOf('b'); // a commit does not change a foundation
  expect(await balancers()).toEqual([first]);
  await app.tool('foundation', 'create');
  const [still, second] = await balancers();
  expect([still, await behind(slot.url), await behind(b.url)]).toEqual([first, first, first]);

  const c = await createOf('c');
  expect([await behind(c.url), await app.versionAt(c.url)]).toEqual([second, 'c']);
  const heard = await app.versionsDuring(slot.url, async () => {
    const { slot: moved } = await app.tool<ChangeAnswer>('promote', c.id, 'master');
    await app.follows(slot.url, 'c');
    expect(moved.head?.environment).toMatch(/@master\./);
    await app.tool('rollback', 'master');
    await app.follows(slot.url, 'a');
    await app.tool('promote', b.id, 'master');
    await app.follows(slot.url, 'b');
    await app.follows(slot.url.replace('master--', 'master-1--'), 'a');
  });
  expect(heard).toEqual(['a', 'b', 'c']);
  expect(await behind(slot.url)).toBe(first);

  // Something is behind the second.
  await app.repository.write('clusternator.config.yaml', CONFIG.replace('PROJECT', app.sandbox.project));
  const refused = await app.sandbox.json(['foundation', 'create'], { timeoutSeconds: 400 });
  expect(refused.error).toMatchObject({ code: 'conflict', path: 'provider.loadBalancers' });
  expect(refused.error?.message).toContain(new URL(c.url).hostname);
  expect([await app.versionAt(c.url), await app.versionAt(slot.url)]).toEqual(['c', 'b']);

  await app.tool('env', 'destroy', c.id, '--yes');
  expect(await app.account.records()).toEqual(records);
  await app.tool('foundation', 'create');
  expect(await balancers()).toEqual([first]);
  expect(await app.versionAt(slot.url)).toBe('b');

  await app.tool('slot', 'destroy', 'master', '--yes');
  const { environments } = await app.tool<{ environments: readonly { id: string }[] }>('env', 'list');
  for (const { id } of environments) await app.tool('env', 'destroy', id, '--yes');
  await app.tool('foundation', 'destroy', '--yes');
  const { cluster: __, ...after } = await app.account.inventory();
  expect(after).toEqual(before);
}, 900_000);
