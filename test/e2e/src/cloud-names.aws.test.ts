import { afterEach, expect, test } from '@jest/globals';

import type { EnvironmentAnswer } from './cli.ts';
import { CloudApp, CONFIG, ZONE } from './cloud-app.ts';
import { Cloud, killed } from './cloud.ts';

const BRAND = 'brand.example';
const WWW = `www.${BRAND}`;
const named = (...hosts: readonly string[]): string =>
  CONFIG.replace('{ standbys: 1 }', `{ standbys: 1, host: [${hosts.join(', ')}] }`);

let app: CloudApp;
afterEach(() => app[Symbol.asyncDispose]());

const createOf = async (version: string): Promise<EnvironmentAnswer> => app.create(await app.commit(version));

test('a slot answers by HTTPS under names of another zone, its top among them, once each has a certificate; what is dropped is gone', async () => {
  // A certificate takes as long as it takes to be killed meanwhile.
  const cloud = await Cloud.open('moto', ZONE, { MOTO_ACM_VALIDATION_WAIT: '5' });
  app = await CloudApp.in(cloud, undefined, named(BRAND, WWW));
  await app.cloud.addZone(BRAND);
  const { cluster: _, ...before } = await app.account.inventory();
  const a = await createOf('a');
  // It waits for the records that it has written, and is no more.
  expect(await killed(app.sandbox, ['promote', a.id, 'master', '--verbose'], /PENDING_VALIDATION/)).toBe(true);
  await app.tool('promote', a.id, 'master');
  for (const name of [BRAND, WWW]) await app.follows(`https://${name}`, 'a');
  expect(await app.account.certificates()).toEqual([`*.${ZONE}`, BRAND, WWW]);
  const [balancer] = await app.cloud.dig(`any.${ZONE}`);
  expect((await app.cloud.dig(WWW))[0]).toBe(balancer);
  expect(await app.cloud.dig(BRAND)).toEqual((await app.cloud.dig(`any.${ZONE}`)).slice(-1));

  await app.repository.write('clusternator.config.yaml', named(WWW).replace('PROJECT', app.sandbox.project));
  const b = await createOf('b');
  await app.tool('promote', b.id, 'master');
  await app.follows(`https://${WWW}`, 'b');
  expect(await app.account.certificates()).toEqual([`*.${ZONE}`, WWW]);
  expect(await app.cloud.dig(BRAND)).toEqual(['']);

  await app.tool('slot', 'destroy', 'master', '--yes');
  expect(await app.account.certificates()).toEqual([`*.${ZONE}`]);
  for (const { id } of [a, b]) await app.tool('env', 'destroy', id, '--yes');
  await app.tool('foundation', 'destroy', '--yes');
  const { cluster: __, ...after } = await app.account.inventory();
  expect(after).toEqual(before);
}, 600_000);
