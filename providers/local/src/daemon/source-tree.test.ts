import { afterEach, beforeEach, expect, test } from '@jest/globals';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { copyTree, folderIn, linkVolume, removeTree } from './source-tree.ts';

let root: string;
let tree: string;
const signal = new AbortController().signal;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'tree-'));
  tree = path.join(root, 'tree');
  mkdirSync(tree);
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

test('a copy has every name and link as it was, can be written to, and leaves the original alone', async () => {
  const names = ['--help', '-rf', 'with space', 'new\nline', 'ünï', '$(touch pwned)', '.hidden'];
  for (const name of names) writeFileSync(path.join(tree, name), name);
  mkdirSync(path.join(tree, 'locked'));
  writeFileSync(path.join(tree, 'locked', 'file'), 'x', { mode: 0o444 });
  chmodSync(path.join(tree, 'locked'), 0o555);
  symlinkSync('/etc/passwd', path.join(tree, 'link'));
  const target = path.join(root, 'copy');
  mkdirSync(target);
  writeFileSync(path.join(target, 'of an interrupted try'), '');

  await copyTree(tree, target, signal);
  for (const name of names) expect(readFileSync(path.join(target, name), 'utf8')).toBe(name);
  expect(readlinkSync(path.join(target, 'link'))).toBe('/etc/passwd');
  expect(existsSync(path.join(target, 'of an interrupted try'))).toBe(false);
  writeFileSync(path.join(target, 'locked', 'file'), 'changed');
  writeFileSync(path.join(target, 'locked', 'new'), '');
  expect(readFileSync(path.join(tree, 'locked', 'file'), 'utf8')).toBe('x');
  await removeTree(target);
  expect(existsSync(target)).toBe(false);
  await removeTree(target);
  chmodSync(path.join(tree, 'locked'), 0o755);
});

test('a copy of what is not there names it', async () => {
  await expect(copyTree(path.join(root, 'nothing'), path.join(root, 'copy'), signal)).rejects.toThrow(/nothing/);
});

test('a folder of the tree is found, one that leads out is not', async () => {
  mkdirSync(path.join(tree, 'apps/web'), { recursive: true });
  symlinkSync(root, path.join(tree, 'out'));
  symlinkSync('apps', path.join(tree, 'inside'));
  expect(await folderIn(tree, 'apps/web')).toBe(path.join(tree, 'apps/web'));
  expect(await folderIn(tree, 'inside/web')).toBe(path.join(tree, 'inside/web'));
  for (const bad of ['..', '/etc', 'out', 'apps/../..']) {
    await expect(folderIn(tree, bad)).rejects.toMatchObject({ code: 'invalid' });
  }
  await expect(folderIn(tree, 'nowhere')).rejects.toMatchObject({ code: 'not-found' });
});

test('a volume is linked inside of the tree alone', async () => {
  symlinkSync(root, path.join(tree, 'out'));
  await linkVolume(tree, '/var/data', '/volumes/a');
  expect(readlinkSync(path.join(tree, 'var/data'))).toBe('/volumes/a');
  await linkVolume(tree, 'var/data', '/volumes/a');
  await linkVolume(tree, '../../escaped', '/volumes/b');
  expect(readlinkSync(path.join(tree, 'escaped'))).toBe('/volumes/b');
  await expect(linkVolume(tree, 'out/x', '/volumes/a')).rejects.toMatchObject({ code: 'invalid' });
  await expect(linkVolume(tree, 'out/x/y/z', '/volumes/a')).rejects.toMatchObject({ code: 'invalid' });
  expect(readdirSync(root)).toEqual(['tree']); // no folder was made on the way
  await expect(linkVolume(tree, '/', '/volumes/a')).rejects.toMatchObject({ code: 'invalid' });
  writeFileSync(path.join(tree, 'own'), '');
  await expect(linkVolume(tree, 'own', '/volumes/a')).rejects.toMatchObject({ code: 'invalid' });
});
