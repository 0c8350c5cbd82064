import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { EngineEvent } from '../engine/events.ts';
import { EventStream } from './event-stream.ts';
import { openSqliteStore } from '../state/sqlite.ts';
import { documentsIn, type EnvironmentDocument } from '../state/documents.ts';
import { testCall } from '../state/testing/call.ts';
import { openProject } from './open-project.ts';
import { settingsOf } from './settings.ts';
import { stateFile } from './state-file.ts';
import { readProviderPolicy } from './work-tree-policy.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'open-'));
  await mkdir(join(folder, '.git'));
});
afterEach(() => rm(folder, { recursive: true }));

const config = (text: string) => writeFile(join(folder, 'clusternator.config.yaml'), text);
const said = (message: string): EngineEvent => ({ type: 'warning', message });

test('a folder is enough to open a project', async () => {
  await config('project: shop\nprovider: local\nsites: { web: { dir: . } }\n');
  await using project = await openProject({ directory: folder, stateFolder: join(folder, 'state') });
  expect(project).toMatchObject({ name: 'shop', stage: 'default' });
  expect(await Array.fromAsync(project.environments())).toEqual([]);
});

test('an environment is found without its provider, where nobody asks for how it is now', async () => {
  await config('project: shop\nprovider: local\nsites: { web: { dir: . } }\n');
  const stateFolder = join(folder, 'state');
  await using project = await openProject({ directory: folder, stateFolder, providers: async () => [] });
  const id = '1a2b3c4d5e6f';
  const file = stateFile(stateFolder, { project: project.name, stage: project.stage });
  const { environments } = documentsIn(openSqliteStore(file));
  const made = { id, fingerprint: 'f', tags: {}, phase: 'active' as const, handle: {}, parts: {} };
  const document: EnvironmentDocument = {
    ...{ schema: 1, id, commit: id.padEnd(40, '0'), incarnation: 1, phase: 'ready', epoch: 1, hosts: [], pins: {} },
    ...{ provider: { name: 'fly', config: {} }, fingerprint: '', createdAt: '2026-01-01T00:00:00.000Z' },
    environment: made,
  };
  await environments.create(id, document, testCall());
  expect(await project.environment('1a2b', { live: false })).toMatchObject({ id, phase: 'ready' });
  await expect(project.environment('1a2b')).rejects.toMatchObject({ message: expect.stringContaining('fly') });
});

test.each([
  [{ CLUSTERNATOR_STATE_HOME: '/a/b' }, '/a/b'],
  [{ XDG_STATE_HOME: '/x' }, '/x/clusternator'],
  [{ XDG_STATE_HOME: 'relative', HOME: '/home/ann' }, '/home/ann/.local/state/clusternator'],
])('state is kept where the command line keeps it: %j', (env, stateFolder) => {
  const settings = settingsOf({ directory: folder, env });
  expect(settings.stateFolder).toBe(stateFolder);
  expect(settings.env.CLUSTERNATOR_STATE_HOME).toBe(stateFolder);
});

test('providers are looked for when one is needed, and once', async () => {
  let looked = 0;
  const settings = settingsOf({ directory: folder, providers: async () => (looked++, []) });
  expect(looked).toBe(0);
  await Promise.all([settings.providers(), settings.providers()]);
  expect(looked).toBe(1);
});

test('events are told to all who listen, from when they began to until the end', async () => {
  const heard: EngineEvent[] = [];
  const stream = new EventStream((event) => heard.push(event));
  stream.emit(said('before'));
  const [first, second] = [stream.events(), stream.events()];
  stream.emit(said('one'));
  stream.emit(said('two'));
  stream.end();
  expect(await Array.fromAsync(first)).toEqual([said('one'), said('two')]);
  expect(await Array.fromAsync(second)).toEqual([said('one'), said('two')]);
  expect(heard).toHaveLength(3);
});

test('one who leaves the loop disturbs nobody', async () => {
  const stream = new EventStream(() => undefined);
  const [leaver, stayer] = [stream.events(), stream.events()];
  stream.emit(said('one'));
  for await (const event of leaver) {
    expect(event).toEqual(said('one'));
    break;
  }
  stream.emit(said('two'));
  stream.end();
  expect(await Array.fromAsync(stayer)).toHaveLength(2);
});

test('where there is no config, also not in package.json, every provider may be loaded', async () => {
  expect(await readProviderPolicy({ directory: folder })).toEqual({});
  await writeFile(join(folder, 'package.json'), '{ "name": "shop" }');
  expect(await readProviderPolicy({ directory: folder })).toEqual({});
  await config('providers: { allow: [fly] }\nnonsense: 1\n');
  expect(await readProviderPolicy({ directory: folder })).toEqual({ allow: ['fly'] });
});

test('the work tree’s own policy holds for whatever provider is asked for', async () => {
  await config('project: shop\nprovider: other\nproviders: { allow: [local] }\nsites: { web: { dir: . } }\n');
  await using project = await openProject({ directory: folder, stateFolder: join(folder, 'state'), provider: 'fly' });
  await expect(project.capabilities()).rejects.toMatchObject({ code: 'invalid' }); // the config contradicts itself
  await config('project: shop\nprovider: local\nproviders: { allow: [fly], integrity: { local: nonsense } }\n');
  await expect(project.capabilities()).rejects.toMatchObject({ code: 'invalid' });
});
