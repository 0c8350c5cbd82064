import { afterEach, beforeEach, expect, test } from '@jest/globals';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { write } from '../source/testing/repositories.ts';
import { BuildCache } from './build-cache.ts';
import { cachedInstall, type CachedInstall } from './cached-install.ts';

let root: string;
let caches: BuildCache;
let told: string[];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'clusternator install '));
  caches = new BuildCache(join(root, 'caches'), () => 2 ** 40);
  told = [];
});
afterEach(() => {
  caches.close();
  rmSync(root, { recursive: true });
});

const inTree = (tree: string, path: string): string => join(root, tree, path);
const modules = (tree: string): void => {
  write(inTree(tree, 'node_modules/dependency/index.js'), 'made');
  write(inTree(tree, 'node_modules/tool'), '#!/bin/sh\n');
  chmodSync(inTree(tree, 'node_modules/tool'), 0o755);
};

/** @returns Whether the install ran. */
async function install(
  tree: string,
  more: Partial<CachedInstall> & { readonly make?: (tree: string) => void; readonly lock?: string } = {},
): Promise<boolean> {
  const { make = modules, lock = 'one', ...options } = more;
  write(inTree(tree, 'lock.json'), lock);
  let ran = false;
  await cachedInstall({
    store: caches,
    use: {
      owner: 'shop/default',
      part: 'web',
      folders: [],
      sizeMiB: 100,
      tree: join(root, tree),
      signal: new AbortController().signal,
      tell: (message) => told.push(message),
    },
    installCache: { inputs: ['lock.json', 'absent.json'], outputs: ['node_modules', 'other/out'] },
    argv: ['npm', 'ci'],
    env: { PATH: process.env.PATH },
    variables: { PORT: tree, CLUSTERNATOR_COMMIT: tree, MODE: 'live' },
    run: async () => {
      ran = true;
      make(tree);
      return Promise.resolve();
    },
    ...options,
  });
  return ran;
}

test('an install is not run again while its inputs are the same, and what it made is there, whole', async () => {
  const make = (tree: string): void => {
    modules(tree);
    write(inTree(tree, 'packages/own/index.js'), 'ours');
    symlinkSync('../packages/own', inTree(tree, 'node_modules/own'));
  };
  expect(await install('one', { make })).toBe(true);
  write(inTree('two', 'node_modules/of-the-commit'), 'which an install would remove');
  write(inTree('two', 'other/out/old'), 'not made by this install');
  expect(await install('two', { make })).toBe(false);
  expect(readFileSync(inTree('two', 'node_modules/dependency/index.js'), 'utf8')).toBe('made');
  expect(statSync(inTree('two', 'node_modules/tool')).mode & 0o111).not.toBe(0);
  expect(readlinkSync(inTree('two', 'node_modules/own'))).toBe('../packages/own');
  expect(existsSync(inTree('two', 'node_modules/of-the-commit'))).toBe(false);
  expect(existsSync(inTree('two', 'other/out'))).toBe(false);
  expect(told).toEqual(['install: lock.json, absent.json are as they were, so that node_modules, other/out are too']);
});

test('what runs in one checkout changes nothing of what the next one gets', async () => {
  await install('one');
  writeFileSync(inTree('one', 'node_modules/dependency/index.js'), 'changed');
  await install('two');
  writeFileSync(inTree('two', 'node_modules/dependency/index.js'), 'changed, too');
  expect(await install('three')).toBe(false);
  expect(readFileSync(inTree('three', 'node_modules/dependency/index.js'), 'utf8')).toBe('made');
});

test.each([
  ['an input', { lock: 'two' }],
  ['the command', { argv: ['npm', 'ci', '--omit=dev'] }],
  ['a variable of its own', { variables: { MODE: 'test' } }],
  ['what it makes', { installCache: { inputs: ['lock.json', 'absent.json'], outputs: ['node_modules'] } }],
])('it runs again when %s is another', async (_, more) => {
  await install('one');
  expect(await install('two', more)).toBe(true);
  expect(await install('three')).toBe(false); // which is still here
});

test('it runs again when an input is there that was not', async () => {
  await install('one');
  write(inTree('two', 'absent.json'), '');
  expect(await install('two')).toBe(true);
});

test.each([
  ['the program', ['tool', 'ci']],
  ['the program of a shell line', ['sh', '-c', 'cd x && tool ci']],
])('it runs again when %s is another', async (_, argv) => {
  const bin = join(root, 'bin');
  const tool = join(bin, 'tool');
  write(tool, '#!/usr/bin/env interpreter\n');
  write(join(bin, 'interpreter'), '');
  chmodSync(tool, 0o755);
  chmodSync(join(bin, 'interpreter'), 0o755);
  const env = { PATH: `${bin}:${process.env.PATH ?? ''}` };
  expect(await install('one', { argv, env })).toBe(true);
  expect(await install('two', { argv, env })).toBe(false);
  writeFileSync(join(bin, 'interpreter'), 'a newer version');
  expect(await install('three', { argv, env })).toBe(true);
  writeFileSync(tool, '#!/usr/bin/env interpreter\n# a newer version\n');
  expect(await install('four', { argv, env })).toBe(true);
});

test.each<[string, string, (tree: string) => void]>([
  [
    'a link that leads out',
    'is a link that leads out',
    (tree) => symlinkSync('/etc', inTree(tree, 'node_modules/out')),
  ],
  [
    'a program that knows where it was installed',
    'has the folder in it that it was installed in',
    (tree) => {
      writeFileSync(inTree(tree, 'node_modules/tool'), `#!${inTree(tree, 'node_modules/python')}\n`);
    },
  ],
])('what would not be the same elsewhere is not kept: %s', async (_, why, spoil) => {
  const make = (tree: string): void => {
    modules(tree);
    spoil(tree);
  };
  expect(await install('one', { make })).toBe(true);
  expect(told).toEqual([expect.stringContaining(why)]);
  expect(await install('two', { make })).toBe(true);
});

test('an install that fails keeps nothing', async () => {
  const make = (tree: string): void => {
    modules(tree);
    throw new Error('no network');
  };
  await expect(install('one', { make })).rejects.toThrow('no network');
  expect(await install('two')).toBe(true);
});

test('nothing is read or written where a link leads out of the checkout', async () => {
  write(join(root, 'outside/secret'), 'secret');
  mkdirSync(join(root, 'linked'));
  symlinkSync(join(root, 'outside/secret'), inTree('linked', 'absent.json'));
  expect(await install('linked')).toBe(true);
  await install('one', {
    make: (tree) => {
      write(inTree(tree, 'other/out/made'), 'made');
    },
  });
  mkdirSync(join(root, 'two'));
  symlinkSync(join(root, 'outside'), inTree('two', 'other'));
  expect(await install('two')).toBe(true);
  expect(lstatSync(inTree('two', 'other')).isSymbolicLink()).toBe(true);
  expect(existsSync(join(root, 'outside/out'))).toBe(false);
});
