import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Bench } from '../source/testing/repositories.ts';
import { gitTreeId } from './digest.ts';
import { removeFolder } from './files.ts';
import { ArtefactStore } from './store.ts';

let root: string;
let store: ArtefactStore;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'clusternator-artefacts-'));
  store = new ArtefactStore(root);
});
afterEach(async () => {
  store.close();
  await removeFolder(root);
});
const child = join(dirname(fileURLToPath(import.meta.url)), 'testing/store-process.ts');

describe('a bundle', () => {
  test('is kept once, read-only, and named by its files alone', async () => {
    const one = await store.add(bundle({ 'a/b': 'x', c: 'yy' }), 'env-1');
    const two = await store.add(bundle({ c: 'yy', 'a/b': 'x' }), 'env-2');
    expect(two).toEqual(one);
    expect(one).toEqual({ kind: 'files', bytes: 3, digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) });
    const folder = await store.folder(one);
    expect(readFileSync(join(folder, 'a/b'), 'utf8')).toBe('x');
    expect(lstatSync(join(folder, 'a/b')).mode & 0o222).toBe(0);
    expect(lstatSync(folder).mode & 0o222).toBe(0);
    expect((await store.add(bundle({ 'a/b': 'x', c: 'yz' }), 'env-3')).digest).not.toBe(one.digest);
    expect((await store.add(bundle({ 'a/b': 'x', d: 'yy' }), 'env-3')).digest).not.toBe(one.digest);
  });

  test('has a digest that tells modes, links and their contents apart, and no two ways to write the same bytes', async () => {
    const digests = await Promise.all([
      store.add(bundle({ a: '#!x' }), 'o'),
      store.add(
        bundle({ a: '#!x' }, (folder) => chmodSync(join(folder, 'a'), 0o644)),
        'o',
      ),
      store.add(bundle({ a: 'b', b: '' }), 'o'),
      store.add(
        bundle({ b: '' }, (folder) => symlinkSync('b', join(folder, 'a'))),
        'o',
      ),
      store.add(bundle({ a: 'b100644 0', b: '' }), 'o'),
      store.add(bundle({ 'a/b': '' }), 'o'),
      store.add(
        bundle({}, (folder) => mkdirSync(join(folder, 'a'))),
        'o',
      ),
    ]);
    expect(new Set(digests.map(({ digest }) => digest)).size).toBe(digests.length);
  });

  test('goes with its last owner', async () => {
    const artefact = await store.add(bundle({ a: '1' }), 'env-1');
    store.reference(artefact.digest, 'env-2');
    await store.release('env-1');
    await store.folder(artefact);
    expect(store.owners()).toEqual(['env-2']);
    await store.release('env-2');
    await store.release('env-2');
    await expect(store.folder(artefact)).rejects.toMatchObject({ code: 'not-found' });
    expect(() => store.reference(artefact.digest, 'x')).toThrow(/not here/);
    expect(readdirSync(root).sort()).toEqual(['artefacts.db', 'incoming']);
    expect(readdirSync(join(root, 'incoming'))).toEqual([]);
  });

  test.each([
    ['/etc/passwd', 'a'],
    ['../../x', 'a'],
    ['../..', 'deep/a'],
  ])('with a link to %s is refused, and nothing of it stays', async (target, at) => {
    const source = bundle({ 'deep/file': '' }, (folder) => symlinkSync(target, join(folder, at)));
    await expect(store.add(source, 'o')).rejects.toThrow(`${at} is a link to ${target}, which is outside`);
    expect(readdirSync(join(root, 'incoming'))).toEqual([]);
  });

  test('keeps links to what is in it', async () => {
    const artefact = await store.add(
      bundle({ 'deep/file': 'x' }, (folder) => symlinkSync('deep/../deep/file', join(folder, 'a'))),
      'o',
    );
    expect(readFileSync(join(await store.folder(artefact), 'a'), 'utf8')).toBe('x');
  });

  test('that was changed is not given out, and is made good by adding it again', async () => {
    const artefact = await store.add(bundle({ a: '1', b: '2' }), 'env-1');
    const file = join(await store.folder(artefact), 'a');
    chmodSync(file, 0o644);
    writeFileSync(file, 'X');
    await expect(store.folder(artefact)).rejects.toMatchObject({
      code: 'internal',
      message: expect.stringContaining('damaged'),
    });
    await store.add(bundle({ a: '1', b: '2' }), 'env-2');
    expect(readFileSync(join(await store.folder(artefact), 'a'), 'utf8')).toBe('1');
    chmodSync(file, 0o644);
    writeFileSync(file, '1'); // Touched, but the same: found by reading it.
    await store.folder(artefact);
    rmSync(root, { recursive: true });
    store.close();
    await expect(store.folder(artefact)).rejects.toMatchObject({ code: 'not-found' });
  });

  test('is only asked for by a digest', async () => {
    for (const digest of ['../../etc', 'sha256:../x', 'tree-', '']) {
      await expect(store.folder({ digest })).rejects.toMatchObject({ code: 'invalid' });
    }
  });
});

test("a source tree is named by git's id, which is checked from its files alone", async () => {
  using bench = new Bench();
  const library = bench.init('library');
  bench.commit(library, { x: 'x' });
  const folder = bench.init('r');
  bench.git(folder, 'submodule', '--quiet', 'add', library, 'a.b/vendor');
  const files = {
    'a/x': '1',
    'a.b/y': '2',
    ab: '3',
    'run.sh': '#!/bin/sh',
    link: '-> /outside',
    empty: '',
    big: 'x'.repeat(2_000_000),
  };
  const sha = bench.commit(folder, files);
  const repository = await bench.open(folder);
  const commit = await repository.resolve({ sha });
  let writes = 0;
  const write = async (target: string) => {
    writes++;
    return repository.checkout(commit, target);
  };
  const first = await store.addTree(commit.tree, 'env-1', write);
  const second = await store.addTree(commit.tree, 'env-2', write);
  expect(second).toEqual(first);
  expect(writes).toBe(1);
  expect(first.notes.submodules).toEqual(['a.b/vendor']);
  expect(first.artefact.digest).toBe(`tree-${commit.tree}`);
  const kept = await store.folder(first.artefact);
  expect(await gitTreeId(kept, first.notes.gitlinks)).toBe(commit.tree);

  chmodSync(join(kept, 'a/x'), 0o644); // Known by reading: the same as before.
  expect(await store.folder(first.artefact)).toBe(kept);
  writeFileSync(join(kept, 'a/x'), '9');
  await expect(store.folder(first.artefact)).rejects.toThrow(/damaged/);
  await store.addTree(commit.tree, 'env-1', write);
  expect(writes).toBe(2);
  expect(readFileSync(join(await store.folder(first.artefact), 'a/x'), 'utf8')).toBe('1');
});

describe('the store', () => {
  test('is used by twelve processes at once', async () => {
    const ends = Array.from({ length: 12 }, (_, i) => run([root, `env-${i}`, '8']));
    expect(new Set(await Promise.all(ends))).toEqual(new Set([0]));
    expect(readdirSync(join(root, 'incoming'))).toEqual([]);
    expect(store.owners()).toHaveLength(48);
    for (const owner of store.owners()) await store.release(owner);
    expect(readdirSync(root).sort()).toEqual(['artefacts.db', 'incoming']);
  });

  test('is whole after SIGKILL at any moment', async () => {
    for (let i = 0; i < 16; i++) {
      const process = start([root, `env-${i}`, '10000']);
      await once(process.stdout ?? process, 'data');
      await new Promise((resolve) => setTimeout(resolve, 5 + i * 3));
      process.kill('SIGKILL');
      await once(process, 'close');
    }
    for (let i = 0; i < 3; i++) {
      const artefact = await store.add(
        bundle(Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`deep/${n}`, `bundle ${i}`]))),
        'me',
      );
      expect(readdirSync(join(await store.folder(artefact), 'deep'))).toHaveLength(20);
    }
    expect(readdirSync(join(root, 'incoming'))).toEqual([]); // The next to write clears up.
    for (const owner of store.owners()) await store.release(owner);
    await store.sweep();
    expect(readdirSync(root).filter((name) => !name.startsWith('artefacts.db'))).toEqual(['incoming']);
    expect(readdirSync(join(root, 'incoming'))).toEqual([]);
  });

  test('takes back a folder that no one wrote down', async () => {
    await store.add(bundle({ a: '1' }), 'me');
    const stray = join(root, `sha256-${'a'.repeat(64)}`);
    mkdirSync(stray, { mode: 0o555 });
    await store.sweep();
    expect(existsSync(stray)).toBe(false);
    expect(store.owners()).toEqual(['me']);
  });

  test('of a newer version, or damaged, is refused and left as it is', async () => {
    await store.add(bundle({ a: '1' }), 'me');
    store.close();
    execFileSync(process.execPath, [
      '-e',
      `new (require('node:sqlite').DatabaseSync)(${JSON.stringify(join(root, 'artefacts.db'))}).exec('PRAGMA user_version = 99')`,
    ]);
    await expect(store.add(bundle({ a: '1' }), 'me')).rejects.toMatchObject({ code: 'unsupported' });
    writeFileSync(join(root, 'artefacts.db'), 'no database at all, but long enough to be read as one'.repeat(100));
    await expect(store.add(bundle({ a: '1' }), 'me')).rejects.toMatchObject({
      code: 'internal',
      message: expect.stringContaining('damaged'),
    });
  });
});

function bundle(files: Record<string, string>, more: (folder: string) => void = () => undefined) {
  return {
    write: (folder: string): Promise<void> => {
      for (const [path, text] of Object.entries(files)) {
        mkdirSync(dirname(join(folder, path)), { recursive: true });
        writeFileSync(join(folder, path), text, { mode: text.startsWith('#!') ? 0o755 : 0o644 });
      }
      more(folder);
      return Promise.resolve();
    },
  };
}

function start(args: readonly string[]): ReturnType<typeof spawn> {
  return spawn(process.execPath, ['--experimental-transform-types', '--no-warnings', child, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

async function run(args: readonly string[]): Promise<number | null> {
  const process = start(args);
  process.stdout?.resume();
  const [code] = (await once(process, 'close')) as [number | null]; // As documented for 'close'.
  return code;
}
