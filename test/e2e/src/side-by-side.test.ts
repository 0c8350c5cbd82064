import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { get } from './http.ts';
import { processesOf } from './leftovers.ts';
import { Sandbox } from './sandbox.ts';

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await Sandbox.open();
});
afterEach(async () => sandbox.dispose());

describe('two commits of one repository', () => {
  test('run side by side, each with its own bytes, and the user’s work tree stays as it is', async () => {
    const { repository, commits } = await sandbox.repository('node-service', ['first', 'second']);
    await repository.write('version.txt', 'uncommitted\n');
    await repository.write('new file.txt', 'not added\n');
    await repository.write('staged.txt', 'staged\n');
    await repository.git('add', 'staged.txt');
    const before = await repository.picture();

    const [first, second] = [await sandbox.create('--sha', commits[0]!), await sandbox.create('--sha', commits[1]!)];
    expect(first.commit).toBe(commits[0]);
    expect(first.id).toBe(commits[0]!.slice(0, 12));
    expect(first.url).not.toBe(second.url);
    expect(JSON.parse((await get(first.url)).body)).toMatchObject({ version: 'first', greeting: 'hello' });
    expect(JSON.parse((await get(second.url)).body)).toMatchObject({ version: 'second', greeting: 'hello' });
    expect(await repository.picture()).toBe(before);

    await sandbox.destroy(first.id);
    expect(JSON.parse((await get(second.url)).body)).toMatchObject({ version: 'second' });
    expect((await get(first.url)).status).toBeGreaterThanOrEqual(400);
    await sandbox.expectNothingIsLeft();
    expect(await repository.picture()).toBe(before);
  }, 180_000);

  test('are listed, and the same commit again is the same environment', async () => {
    const { commits } = await sandbox.repository('node-service', ['first', 'second']);
    const first = await sandbox.create('--sha', commits[0]!);
    await sandbox.create();
    const again = await sandbox.create('--sha', commits[0]!);
    expect(again.url).toBe(first.url);
    expect((await sandbox.environments()).map(({ commit }) => commit).sort()).toEqual([...commits].sort());
    expect((await processesOf(sandbox.stateHome)).filter(({ command }) => command.includes('server.mjs'))).toHaveLength(
      2,
    );
  }, 180_000);
});

describe('examples', () => {
  test('a site is built in the checkout and served, with a page for unknown paths', async () => {
    const { repository, commits } = await sandbox.repository('static-site', ['one', 'two']);
    const before = await repository.picture();
    const [one, two] = [await sandbox.create('--sha', commits[0]!), await sandbox.create('--sha', commits[1]!)];
    expect((await get(one.url)).body).toContain('Version: one.');
    expect((await get(two.url)).body).toContain('Version: two.');
    expect((await get(`${one.url}/no/such/page`)).body).toContain('Version: one.');
    expect((await get(`${one.url}/assets/style.css`)).headers['content-type']).toMatch(/^text\/css/);
    expect(await repository.picture()).toBe(before);
    await sandbox.expectNothingIsLeft();
  }, 180_000);

  test('a shop without an engine: site, service and database, started in the order of their needs', async () => {
    const { commits } = await sandbox.repository('shop', ['1.0.1', '1.0.2']);
    const config = ['--config', 'clusternator.no-engine.config.yaml'];
    const one = await sandbox.create('--sha', commits[0]!, ...config);
    const two = await sandbox.create('--sha', commits[1]!, ...config);
    expect((await get(one.url)).body).toContain('Shop 1.0.1');
    expect(JSON.parse((await get(`${two.url}/api/version`)).body)).toEqual({ version: '1.0.2' });

    const bought = await get(`${one.url}/api/purchases`, { method: 'POST', body: JSON.stringify({ product: 2 }) });
    expect(JSON.parse(bought.body)).toEqual({ id: 1, receipt: null });
    // Each commit has a database of its own.
    expect(JSON.parse((await get(`${one.url}/api/purchases`)).body)).toMatchObject([{ id: 1, name: 'rye' }]);
    expect(JSON.parse((await get(`${two.url}/api/purchases`)).body)).toEqual([]);
    await sandbox.expectNothingIsLeft();
  }, 180_000);
});
