import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { write } from '../source/testing/repositories.ts';
import { BuildCache, removeCaches, type CacheUse } from './build-cache.ts';

const PLENTY = (): number => 2 ** 40;
let root: string;
let now: number;
let told: string[];
let caches: BuildCache;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'clusternator cache '));
  now = 0;
  told = [];
  caches = new BuildCache(join(root, 'caches'), PLENTY, () => ++now);
});
afterEach(() => {
  caches.close();
  rmSync(root, { recursive: true });
});

function use(tree: string, more: Partial<CacheUse> = {}): CacheUse {
  mkdirSync(join(root, tree), { recursive: true });
  return {
    owner: 'shop/default',
    part: 'web',
    folders: ['node_modules/.cache'],
    sizeMiB: 100,
    tree: join(root, tree),
    signal: new AbortController().signal,
    tell: (message) => told.push(message),
    ...more,
  };
}
const file = (tree: string, name = 'a'): string => join(root, tree, 'node_modules/.cache', name);
const saved = (): string[] => readdirSync(join(root, 'caches')).filter((name) => /^[0-9a-f]{32}$/.test(name));

/** A build that left something. */
async function build(tree: string, content: string, more: Partial<CacheUse> = {}): Promise<void> {
  const it = use(tree, more);
  write(file(tree), content);
  await caches.save(it);
}
async function restored(tree: string, more: Partial<CacheUse> = {}): Promise<string | undefined> {
  await caches.restore(use(tree, more));
  return existsSync(file(tree)) ? readFileSync(file(tree), 'utf8') : undefined;
}

describe('a cache', () => {
  test('is what the last build left, with its times and modes, and writing to it changes nothing saved', async () => {
    expect(await restored('none')).toBeUndefined();
    write(file('one', 'deep/tool'), '#!/bin/sh\n');
    write(file('one'), 'first');
    utimesSync(file('one'), 1000, 1000);
    write(file('one', 'private/key'), 'key');
    chmodSync(file('one', 'private/key'), 0o600);
    chmodSync(file('one', 'private'), 0o700);
    await caches.save(use('one'));
    expect(await restored('two')).toBe('first');
    expect(statSync(file('two')).mtimeMs).toBe(1_000_000);
    expect(statSync(file('two', 'deep/tool')).mode & 0o111).not.toBe(0);
    expect(['private', 'private/key'].map((name) => statSync(file('two', name)).mode & 0o777)).toEqual([0o700, 0o600]);
    write(file('two'), 'changed');
    expect(await restored('three')).toBe('first');
    await build('four', 'second');
    expect(await restored('five')).toBe('second');
    expect(saved()).toHaveLength(1);
    expect(told).toEqual([]);
  });

  test('is of its project and its part; a part without one begins with the newest of another', async () => {
    await build('one', 'of web');
    await build('two', 'of docs', { part: 'docs' });
    expect(await restored('three')).toBe('of web');
    expect(await restored('four', { part: 'docs' })).toBe('of docs');
    expect(await restored('five', { part: 'new' })).toBe('of docs');
    expect(await restored('six', { owner: 'other/default' })).toBeUndefined();
  });

  test('adds to what is in the checkout, and changes nothing of it', async () => {
    write(file('one', 'ours'), 'cached');
    await build('one', 'cached');
    write(file('two'), 'of the commit');
    expect(await restored('two')).toBe('of the commit');
    expect(readFileSync(file('two', 'ours'), 'utf8')).toBe('cached');
  });

  test('comes from no build that made none, and is no part of what is made of the checkout', async () => {
    await caches.save(use('none'));
    expect(existsSync(join(root, 'caches'))).toBe(false);
    await build('one', 'x');
    write(join(root, 'one/node_modules/dependency'), 'y');
    await removeCaches(join(root, 'one'), ['node_modules/.cache', 'not/there']);
    expect(readdirSync(join(root, 'one/node_modules'))).toEqual(['dependency']);
  });
});

describe('never leads out of the checkout', () => {
  test.each([
    ['the folder', 'node_modules/.cache'],
    ['a folder above it', 'node_modules'],
  ])('where %s is a link', async (_, link) => {
    await build('good', 'good');
    mkdirSync(join(root, 'outside/.cache'), { recursive: true });
    write(join(root, 'outside/.cache/secret'), 'secret');
    const { tree } = use('bad');
    mkdirSync(join(tree, link, '..'), { recursive: true });
    symlinkSync(join(root, 'outside'), join(tree, link));
    await caches.restore(use('bad'));
    expect(readdirSync(join(root, 'outside'))).toEqual(['.cache']);
    expect(readdirSync(join(root, 'outside/.cache'))).toEqual(['secret']);
    expect(told).toEqual([expect.stringContaining('is not restored: it is no folder of the checkout')]);
    await caches.save(use('bad'));
    await removeCaches(tree, ['node_modules/.cache']);
    expect(readFileSync(join(root, 'outside/.cache/secret'), 'utf8')).toBe('secret');
    expect(await restored('after')).toBe('good');
  });

  test('where a link in the checkout is in the place of a cached folder, or in the cache', async () => {
    write(file('one', 'deep/b'), 'cached');
    write(file('one'), 'a');
    symlinkSync('/etc/passwd', file('one', 'absolute'));
    symlinkSync('../../../outside', file('one', 'upward'));
    symlinkSync('deep/b', file('one', 'inside'));
    await caches.save(use('one'));
    mkdirSync(join(root, 'outside'));
    mkdirSync(file('two', ''), { recursive: true });
    symlinkSync(join(root, 'outside'), file('two', 'deep'));
    expect(await restored('two')).toBe('a');
    expect(readdirSync(join(root, 'outside'))).toEqual([]);
    expect(readdirSync(file('two', '')).toSorted()).toEqual(['a', 'deep', 'inside']);
    expect(lstatSync(file('two', 'inside')).isSymbolicLink()).toBe(true);
  });
});

describe('the size', () => {
  test('of one that is larger than all of the budget is told, and the former stays', async () => {
    await build('one', 'small');
    await build('two', 'x'.repeat(2 ** 20 + 1), { sizeMiB: 1 });
    expect(told).toEqual(['cache: node_modules/.cache is not saved: it is larger than 1 MiB']);
    expect(await restored('three')).toBe('small');
  });

  test('of all takes away the longest unused', async () => {
    const half = 'x'.repeat(2 ** 19);
    for (const part of ['a', 'b']) await build(part, half, { part, sizeMiB: 1 });
    await restored('use', { part: 'a' });
    await build('c', half, { part: 'c', sizeMiB: 1 });
    expect(caches.list('shop/default').map(({ part }) => part)).toEqual(['a', 'c']);
    expect(saved()).toHaveLength(2);
  });

  test('of a disk that is nearly full is left alone', async () => {
    const full = new BuildCache(join(root, 'full'), () => 3);
    write(file('one'), 'too much');
    await full.save(use('one'));
    full.close();
    expect(told).toEqual([expect.stringContaining('is not saved')]);
    expect(readdirSync(join(root, 'full', 'incoming'))).toEqual([]);
  });
});

test('builds that run at once, in processes of their own, each get one that is whole', async () => {
  const program = join(import.meta.dirname, 'testing', 'builder-process.ts');
  const flags = ['--experimental-transform-types', '--disable-warning=ExperimentalWarning'];
  const children = ['a', 'b', 'c'].map((name) =>
    spawn(process.execPath, [...flags, program, root, name, '15'], { stdio: ['ignore', 'pipe', 'inherit'] }),
  );
  for (const child of children) child.stdout.resume();
  let rounds = 0;
  children[2]?.stdout.on('data', () => {
    if (++rounds === 3) children[2]?.kill('SIGKILL');
  });
  const [a, b] = await Promise.all(children.map((child) => once(child, 'exit')));
  expect([a?.[0], b?.[0]]).toEqual([0, 0]);
  await caches.sweep();
  expect(saved()).toHaveLength(1);
  expect(readdirSync(join(root, 'caches', 'incoming'))).toEqual([]);
  await caches.restore(use('last'));
  const contents = readdirSync(file('last', '')).map((name) => readFileSync(file('last', name), 'utf8'));
  expect(contents).toHaveLength(50);
  expect(new Set(contents).size).toBe(1);
}, 60_000);
