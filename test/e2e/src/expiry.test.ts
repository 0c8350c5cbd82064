import { rm } from 'node:fs/promises';

import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { eventually, get } from './http.ts';
import { fileLeftovers } from './leftovers.ts';
import { SlotApp } from './slot-app.ts';

let app: SlotApp;
beforeEach(async () => {
  app = await SlotApp.open();
  app.sandbox.env.CLUSTERNATOR_LOCAL_EXPIRY_SECONDS = '0.2';
});
afterEach(async () => app[Symbol.asyncDispose]());

async function phases(): Promise<Readonly<Record<string, string>>> {
  return Object.fromEntries((await app.sandbox.environments()).map(({ id, phase }) => [id, phase]));
}

test('the daemon destroys what is past its time, by itself, and never what a slot uses', async () => {
  const { sandbox } = app;
  const kept = await app.create('kept');
  const pinned = await app.create('pinned');
  await app.move('promote', pinned.id, 'master');
  await sandbox.create('--sha', pinned.commit, '--ttl', '1s');
  const over = await sandbox.create('--sha', await app.commit('over'), '--ttl', '1s');

  await eventually(async () => {
    expect(await phases()).toEqual({ [kept.id]: 'ready', [pinned.id]: 'ready' });
  }, 60);
  expect((await get(over.url)).status).toBe(404);
  const logs = await sandbox.run(['daemon', 'logs']);
  expect(logs.stdout).toMatch(new RegExp(`environment ${over.id} of ${sandbox.project} .*expired at .*: destroyed`));
  // The one that is pinned was past its time all along.
  const { data } = await sandbox.json<{ environment: { expiresAt: string } }>(['env', 'show', pinned.id]);
  expect(Date.parse(data.environment.expiresAt)).toBeLessThan(Date.now());
  expect(await app.version((await app.show()).url)).toBe('pinned');
}, 180_000);

test('one whose time was over while no daemon ran goes once one runs, also where the repository is gone', async () => {
  const { sandbox } = app;
  sandbox.env.CLUSTERNATOR_LOCAL_EXPIRY_SECONDS = '3600';
  const over = await sandbox.create('--sha', await app.commit('over'), '--ttl', '1s');
  await sandbox.run(['daemon', 'stop']);
  await eventually(() => {
    expect(Date.parse(over.expiresAt ?? '')).toBeLessThan(Date.now());
  });
  sandbox.env.CLUSTERNATOR_LOCAL_EXPIRY_SECONDS = '0.2';
  await rm(app.repository.folder, { recursive: true });
  sandbox.cwd = sandbox.folder;
  await sandbox.run(['env', 'show', over.id, '--project', sandbox.project]); // starts it
  await eventually(async () => {
    const { data } = await sandbox.json<{ environments: unknown[] }>(['env', 'list', '--project', sandbox.project]);
    expect(data.environments).toEqual([]);
  }, 60);
  await eventually(async () => expect(await fileLeftovers(sandbox.stateHome)).toEqual([]));
}, 180_000);
