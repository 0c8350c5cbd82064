import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { composeConfig } from './compose.ts';
import { configFilesIn, detect, projectNameOf } from './detect.ts';
import { nameOf } from './part.ts';
import { validated } from './repository.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'clusternator-detect-'));
});
afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

async function repository(files: Readonly<Record<string, string | object>>): Promise<void> {
  for (const [file, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), typeof content === 'string' ? content : JSON.stringify(content));
  }
}

/** What init would write, after core itself has read it. */
async function configOf(): Promise<string> {
  const text = composeConfig({ project: 'shop', provider: 'local', parts: await detect(root) });
  await validated(text, {});
  return text;
}

describe('one thing to deploy', () => {
  test('a Dockerfile, with the port that it exposes', async () => {
    await repository({
      Dockerfile: 'FROM scratch\nEXPOSE 9000/tcp\n',
      'package.json': { scripts: { start: 'node x.js' } },
    });
    expect(await detect(root)).toMatchObject([{ kind: 'container', name: 'web', folder: '.', port: 9000 }]);
    expect(await configOf()).toContain('build: . # a folder with a Dockerfile\n    port: 9000\n    route: /\n');
  });

  test('a start script, installed as its lock file says, at the port that its code names', async () => {
    await repository({
      'package.json': { name: '@acme/Shop API', scripts: { start: 'node src/server.js' }, dependencies: { koa: '1' } },
      'package-lock.json': '{}',
      'src/server.js': 'app.listen(process.env.PORT || 4567)',
    });
    expect(await detect(root)).toMatchObject([
      { kind: 'process', install: 'npm ci', command: 'node src/server.js', port: 4567 },
    ]);
    expect(await projectNameOf(root)).toBe('shop-api');
    expect(await configOf()).toContain('install: npm ci\n    command: node src/server.js');
  });

  test.each([
    ['pnpm-lock.yaml', 'pnpm install --frozen-lockfile', 'pnpm run start'],
    ['yarn.lock', 'yarn install --immutable', 'yarn run start'],
    ['bun.lock', 'bun install --frozen-lockfile', 'bun run start'],
  ])('%s: %s', async (lock, install, command) => {
    await repository({ 'package.json': { scripts: { start: 'tsx a.ts && true' } }, [lock]: '' });
    expect(await detect(root)).toMatchObject([{ install, command }]);
    await configOf();
  });

  test('nothing to install is not installed', async () => {
    await repository({ 'package.json': { scripts: { start: 'node server.mjs' } } });
    expect((await detect(root))[0]).not.toHaveProperty('install');
  });

  test('a site that a builder makes', async () => {
    await repository({
      'package.json': { scripts: { build: 'vite build' }, devDependencies: { vite: '7' } },
      'package-lock.json': '{}',
      'index.html': '',
    });
    expect(await detect(root)).toMatchObject([
      { kind: 'site', install: 'npm ci', build: 'npm run build', dir: 'dist', fallback: 'index.html' },
    ]);
    await configOf();
  });

  test.each(['.', 'public', 'dist', 'build'])('files in %s', async (folder) => {
    await repository({ [join(folder, 'index.html')]: 'hello' });
    const parts = await detect(root);
    expect(parts).toMatchObject([{ kind: 'site', dir: folder }]);
    expect(parts[0]).not.toHaveProperty('build');
    await configOf();
  });
});

describe('several things', () => {
  test('are told apart by folder, and each is served at its own route', async () => {
    await repository({
      'web/index.html': 'hello',
      'api/Dockerfile': 'FROM scratch',
      'services/worker one/package.json': { scripts: { start: 'node w.js' } },
      'services/api/package.json': { scripts: { start: 'node a.js' } },
    });
    const parts = await detect(root);
    expect(parts.map((part) => [part.name, part.kind])).toEqual([
      ['api', 'container'],
      ['web', 'site'],
      ['api-2', 'process'],
      ['worker-one', 'process'],
    ]);
    const text = await configOf();
    expect(text).toContain('route: /api-2');
    expect(text).toContain('dir: services/worker one');
    expect(text).toContain('  web:\n    dir: web\n    route: /\n');
  });

  test('what an image or a program brings along is not deployed beside it', async () => {
    await repository({
      Dockerfile: 'FROM scratch',
      'www/index.html': '',
      'api/package.json': { scripts: { start: 'node a.js' } },
    });
    expect((await detect(root)).map((part) => part.kind)).toEqual(['container']);
  });

  test('a program at the top, and a site of its own that is built', async () => {
    await repository({
      'package.json': { scripts: { start: 'node a.js' } },
      'public/index.html': '',
      'web/package.json': { scripts: { build: 'vite build' }, devDependencies: { vite: '7' } },
    });
    expect((await detect(root)).map((part) => [part.kind, part.folder])).toEqual([
      ['process', '.'],
      ['site', 'web'],
    ]);
  });

  test('a site in a folder builds there', async () => {
    await repository({ 'my web/package.json': { scripts: { build: 'vite build' }, devDependencies: { vite: '7' } } });
    expect(await configOf()).toContain('build: "npm --prefix \\"my web\\" run build"');
  });
});

describe('what is not ours to read', () => {
  test('dependencies, hidden folders and links are not looked into', async () => {
    await repository({ 'node_modules/x/Dockerfile': 'FROM scratch', '.github/Dockerfile': 'FROM scratch' });
    const outside = await mkdtemp(join(tmpdir(), 'clusternator-outside-'));
    await writeFile(join(outside, 'Dockerfile'), 'FROM scratch');
    await symlink(outside, join(root, 'linked'));
    expect(await detect(root)).toEqual([]);
    await rm(outside, { recursive: true });
  });

  test('a broken package.json is no package', async () => {
    await repository({ 'package.json': '{ "scripts": ' });
    expect(await detect(root)).toEqual([]);
  });
});

test('a start script with an unfriendly text ends up as the same text', async () => {
  await repository({ 'package.json': { scripts: { start: 'node server.js --title=#1: "yes"' } } });
  expect(await configOf()).toContain('command: npm run start');
});

test('a config that is there is seen, wherever it is', async () => {
  expect(await configFilesIn(root)).toEqual([]);
  await repository({ '.clusternatorrc': '', 'package.json': { clusternator: { project: 'x' } } });
  expect(await configFilesIn(root)).toEqual(['.clusternatorrc', 'package.json']);
});

test.each([
  ['@acme/Shop_API', 'shop-api'],
  ['2048', 'web'],
  ['Über--uns', 'uber-uns'],
  ['-x-', 'x'],
  ['a'.repeat(80), 'a'.repeat(30)],
  ['constructor', 'web'],
])('the name %s becomes %s', (text, name) => {
  expect(nameOf(text, 'web')).toBe(name);
});
