import { afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';

import { ensureBaseImage } from './base-image.ts';
import { eventually, get } from './http.ts';
import { engineLeftovers } from './leftovers.ts';
import { Sandbox } from './sandbox.ts';

let sandbox: Sandbox;
beforeAll(ensureBaseImage);
beforeEach(async () => {
  sandbox = await Sandbox.open();
});
afterEach(async () => sandbox.dispose());

test('two commits of a Dockerfile service run side by side, and nothing of them stays on the engine', async () => {
  const { repository, commits } = await sandbox.repository('docker-service', ['first', 'second']);
  const before = await repository.picture();
  const [first, second] = [await sandbox.create('--sha', commits[0]!), await sandbox.create('--sha', commits[1]!)];
  expect((await get(`${first.url}/version.txt`)).body).toBe('first\n');
  expect((await get(`${second.url}/version.txt`)).body).toBe('second\n');
  expect((await get(`${second.url}/cgi-bin/greeting`)).body).toBe('hello\n');
  expect(await repository.picture()).toBe(before);
  await sandbox.expectNothingIsLeft();
  await eventually(async () => expect(await engineLeftovers(sandbox.project)).toEqual([]));
}, 180_000);

test('a shop: site, process, database and container in one project', async () => {
  await sandbox.repository('shop', ['1.0.1']);
  const shop = await sandbox.create();
  expect(shop.services.map(({ name, state }) => [name, state]).sort()).toEqual(
    ['api', 'db', 'receipts', ...(shop.services.some(({ name }) => name === 'web') ? ['web'] : [])].map((name) => [
      name,
      expect.any(String),
    ]),
  );
  expect((await get(shop.url)).body).toContain('Shop 1.0.1');
  const bought = await get(`${shop.url}/api/purchases`, { method: 'POST', body: JSON.stringify({ product: 1 }) });
  expect(JSON.parse(bought.body)).toEqual({ id: 1, receipt: 'Thank you for shopping with us.' });
  await sandbox.expectNothingIsLeft();
  await eventually(async () => expect(await engineLeftovers(sandbox.project)).toEqual([]));
}, 180_000);
