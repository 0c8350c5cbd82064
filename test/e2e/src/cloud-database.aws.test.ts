import { afterEach, expect, test } from '@jest/globals';

import { CloudApp, CONFIG, IMAGE_FILES } from './cloud-app.ts';

/** Tells its variables, as no service of anybody should. */
const FILES = {
  ...IMAGE_FILES,
  Dockerfile: IMAGE_FILES.Dockerfile.replace(
    /CMD .*/,
    `CMD ["/bin/busybox", "sh", "-c", "/bin/busybox env > /www/env.txt; exec /bin/busybox httpd -f -p 8080 -h /www"]`,
  ),
};
const WITH_DATABASE = CONFIG.replace('route: /,', 'route: /, needs: [orders],').concat(
  "volumes: { orders: { kind: database, engine: 'postgres:17', size: 20Gi, scope: slot } }\n",
);

interface VolumesAnswer {
  readonly volumes: readonly { readonly id: string }[];
}

let app: CloudApp;
afterEach(() => app[Symbol.asyncDispose]());

/** What a service was told of its database. */
async function toldAt(url: string): Promise<Readonly<Record<string, string>>> {
  const lines = (await app.cloud.curl(`${url}/env.txt`)).split('\n').map((line) => line.split('='));
  return Object.fromEntries(
    lines.flatMap(([name = '', value = '']) => (name.startsWith('ORDERS_') ? [[name, value]] : [])),
  );
}

test('a slot has its database on RDS, which its heads are told of, and which goes back in time and away by command', async () => {
  app = await CloudApp.open('moto', WITH_DATABASE, FILES);
  const { cluster: _, ...before } = await app.account.inventory();
  const made = await app.create(await app.commit('a'));
  const { slot } = await app.tool<{ slot: { url: string } }>('promote', made.id, 'master');
  await app.follows(slot.url, 'a');
  const told = await toldAt(slot.url);
  const database = (await app.account.databases()).find(({ host }) => host === told.ORDERS_HOST);
  expect(told).toEqual({
    ORDERS_HOST: database?.host,
    ORDERS_PORT: '5432',
    ORDERS_DATABASE: database?.name,
    ORDERS_USER: database?.user,
    ORDERS_PASSWORD: database?.password,
  });
  expect(database).toMatchObject({ engine: 'postgres', isEncrypted: true, isPublic: false });

  const { snapshot } = await app.tool<{ snapshot: { id: string } }>('storage', 'snapshot', 'slot-master-orders');
  await app.tool('storage', 'restore', snapshot.id, '--swap', '--yes');
  await app.follows(slot.url, 'a');
  const { ORDERS_HOST: restored } = await toldAt(slot.url);
  expect((await app.account.databases()).map(({ host }) => host)).toContain(restored);
  expect(restored).not.toBe(told.ORDERS_HOST);

  await app.tool('slot', 'destroy', 'master', '--yes');
  const { environments } = await app.tool<{ environments: readonly { id: string }[] }>('env', 'list');
  for (const { id } of environments) await app.tool('env', 'destroy', id, '--yes');
  // Data of a slot stays until somebody says otherwise.
  const kept = await app.tool<VolumesAnswer>('storage', 'list');
  expect(kept.volumes.map(({ id }) => id)).toContain('slot-master-orders');
  await app.tool('storage', 'destroy', ...kept.volumes.map(({ id }) => id), '--yes', '--force');
  const { snapshots } = await app.tool<{ snapshots: readonly { id: string }[] }>('storage', 'snapshots');
  await app.tool('storage', 'destroy', ...snapshots.map(({ id }) => id), '--yes', '--force');
  await app.tool('foundation', 'destroy', '--yes');
  const { cluster: __, ...after } = await app.account.inventory();
  expect(after).toEqual(before);
}, 600_000);
