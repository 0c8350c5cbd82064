import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ProviderError } from '../provider/error.ts';
import { Bench, snapshot, write } from './testing/repositories.ts';

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});
afterEach(() => bench[Symbol.dispose]());

async function errorOf(work: Promise<unknown>): Promise<ProviderError> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (ProviderError.is(error)) return error;
  throw new Error(`expected a ProviderError, got ${String(error)}`);
}

test('files are read from a commit without a checkout', async () => {
  const origin = bench.init('origin');
  const sha = bench.commit(origin, { 'a.yaml': 'old', 'folder/c': 'deep' });
  bench.commit(origin, { 'a.yaml': 'new' });
  const repository = await bench.open(origin);
  const commit = await repository.resolve({ sha });
  const found = await repository.readFiles(commit, ['none', 'a.yaml', 'folder', 'b']);
  expect([...found].map(([name, bytes]) => [name, bytes.toString()])).toEqual([['a.yaml', 'old']]);
  expect((await repository.readFiles({ ...commit, tree: '0'.repeat(40) }, ['a.yaml'])).size).toBe(0);
});

describe('a repository is found', () => {
  test('from its top, a sub-folder, a linked worktree and as a bare one', async () => {
    const origin = bench.init('a repo ü');
    bench.commit(origin, { 'deep/er/file': 'x' });
    bench.git(origin, 'worktree', 'add', '-q', bench.path('linked'), '-b', 'side');
    bench.git(bench.folder, 'clone', '-q', '--bare', origin, 'bare.git');

    expect((await bench.open(origin)).rootFolder).toBe(origin);
    expect((await bench.open(join(origin, 'deep/er'))).rootFolder).toBe(origin);
    const linked = await bench.open(bench.path('linked'));
    expect(linked.rootFolder).toBe(bench.path('linked'));
    expect(await linked.currentBranch()).toBe('side');
    expect(linked.mirror.folder).toBe((await bench.open(origin)).mirror.folder);
    const bare = await bench.open(bench.path('bare.git'));
    expect(bare.rootFolder).toBe(bench.path('bare.git'));
    expect(bare.isBare).toBe(true);
    expect(await bare.isDirty()).toBe(false);
    expect((await bare.resolve()).ref).toBe('main');
  });

  test('whatever an outer git has put into the environment', async () => {
    const one = bench.init('one');
    const other = bench.init('other');
    const env = { ...bench.env, GIT_DIR: join(other, '.git'), GIT_INDEX_FILE: '/nowhere/index', GIT_WORK_TREE: other };
    expect((await bench.open(one, env)).rootFolder).toBe(one);
  });

  test('or it is said what is wrong', async () => {
    mkdirSync(bench.path('plain'));
    expect((await errorOf(bench.open(bench.path('plain')))).message).toMatch(/plain is not in a git repository/);
    expect((await errorOf(bench.open(bench.path('missing')))).message).toMatch(/missing is not a folder/);
    const inside = await errorOf(bench.open(join(bench.init('r'), '.git')));
    expect(inside.message).toMatch(/inside of the repository's own folder/);
    const withoutGit = await errorOf(bench.open(bench.path('r'), { PATH: bench.path('plain') }));
    expect(withoutGit.message).toMatch(/^git is not installed/);
    expect(withoutGit.code).toBe('invalid');
    const sha256 = await errorOf(bench.open(bench.init('newer', '--object-format=sha256')));
    expect(sha256.code).toBe('unsupported');
    expect(sha256.message).toMatch(/sha256, not by SHA-1/);
  });
});

describe('a commit is found', () => {
  test('by its sha: full, short, in upper case; and has its words', async () => {
    const folder = bench.init('r');
    const sha = bench.commit(folder, { file: '1' }, 'Add \u001b[31mred\u0007\n\nand more');
    bench.commit(folder, { file: '2' });
    const repository = await bench.open(folder);
    for (const name of [sha, sha.slice(0, 7), sha.toUpperCase(), sha.slice(0, 9).toUpperCase(), 'HEAD~1', 'main^']) {
      expect((await repository.resolve({ sha: name })).sha).toBe(sha);
    }
    const commit = await repository.resolve({ sha });
    expect(commit.tree).toBe(bench.git(folder, 'rev-parse', `${sha}^{tree}`));
    expect(commit.subject).toBe('Add \uFFFD[31mred\uFFFD');
    expect(commit.author).toBe('Ada');
    expect(commit.committedAt).toBe('2024-01-02T03:04:05.000Z');
  });

  test('by HEAD, a branch, tags of both kinds, a remote branch', async () => {
    const origin = bench.init('origin');
    const first = bench.commit(origin, { file: '1' });
    bench.git(origin, 'tag', 'light');
    bench.git(origin, 'tag', '-a', 'heavy', '-m', 'a tag');
    const second = bench.commit(origin, { file: '2' });
    bench.git(bench.folder, 'clone', '-q', origin, 'clone');
    const repository = await bench.open(bench.path('clone'));
    expect(await repository.resolve()).toMatchObject({ sha: second, ref: 'main' });
    expect(await repository.resolve({ sha: 'HEAD' })).toMatchObject({ sha: second, ref: 'main' });
    expect(await repository.resolve({ ref: 'main' })).toMatchObject({ sha: second, ref: 'main' });
    expect(await repository.resolve({ ref: 'light' })).toMatchObject({ sha: first, ref: 'light' });
    expect(await repository.resolve({ ref: 'heavy' })).toMatchObject({ sha: first, ref: 'heavy' });
    bench.git(origin, 'branch', 'feature/ümlaut;$(x)');
    expect(await repository.resolve({ ref: 'origin/feature/ümlaut;$(x)' })).toMatchObject({ sha: second });
    expect(await repository.resolve({ ref: 'origin/main' })).toMatchObject({ sha: second, ref: 'origin/main' });
  });

  test('unless the name means several, which are listed', async () => {
    const folder = bench.init('r');
    const sha = bench.commit(folder, { file: '1' }, 'One');
    bench.git(folder, 'branch', 'both');
    bench.commit(folder, { file: '2' }, 'Two');
    bench.git(folder, 'tag', 'both');
    bench.git(folder, 'branch', sha.slice(0, 8));
    const repository = await bench.open(folder);
    expect((await errorOf(repository.resolve({ ref: 'both' }))).message).toMatch(
      /refs\/heads\/both and refs\/tags\/both/,
    );
    expect((await repository.resolve({ ref: 'refs/heads/both' })).sha).toBe(sha);
    // A branch that is named like a sha does not shadow the commit.
    expect((await repository.resolve({ sha: sha.slice(0, 8) })).sha).toBe(sha);

    const [one, two] = sameStart(bench, folder);
    const error = await errorOf(repository.resolve({ sha: one.slice(0, 4) }));
    expect(error.code).toBe('invalid');
    expect(error.message).toContain(`${one.slice(0, 12)} Candidate`);
    expect(error.message).toContain(`${two.slice(0, 12)} Candidate`);
    expect((await repository.resolve({ sha: one.slice(0, 20) })).sha).toBe(one);
  });

  test('or the error says where it was looked for', async () => {
    const folder = bench.init('r');
    const empty = await errorOf((await bench.open(folder)).resolve());
    expect(empty.code).toBe('not-found');
    expect(empty.message).toMatch(/has no commit yet/);
    bench.commit(folder, { file: '1' });
    const repository = await bench.open(folder);
    const unknown = await errorOf(repository.resolve({ sha: 'deadbeef' }));
    expect(unknown.code).toBe('not-found');
    expect(unknown.message).toMatch(/commit deadbeef is neither in this repository nor on its remotes: it has none/);
    expect((await errorOf(repository.resolve({ sha: 'abc' }))).message).toMatch(/too short/);
    expect((await errorOf(repository.resolve({ sha: 'a'.repeat(64) }))).message).toMatch(/64 digits/);
    expect((await errorOf(repository.resolve({ ref: 'nope' }))).code).toBe('not-found');
    for (const ref of ['', '-x\n', 'a b', '../x', 'x.lock', 'HEAD:file', ':/A', '@{-1}', 'a\0b']) {
      expect((await errorOf(repository.resolve({ ref }))).code).toBe('invalid');
    }
    expect((await errorOf(repository.resolve({ sha: 'HEAD~9' }))).code).toBe('not-found');
    expect((await errorOf(repository.resolve({ sha: 'HEAD', ref: 'main' }))).code).toBe('invalid');
    expect((await errorOf(repository.resolve({ pullRequest: -1 }))).code).toBe('invalid');
  });
});

test('a repository is not changed by a single byte, with all that can be done to it', async () => {
  const origin = bench.init('origin');
  bench.commit(origin, { file: '1', other: 'x' });
  bench.git(bench.folder, 'clone', '-q', origin, 'clone');
  const clone = bench.path('clone');
  const remoteOnly = bench.commit(origin, { file: '2' });
  bench.git(origin, 'update-ref', 'refs/pull/7/head', remoteOnly);
  write(join(clone, 'file'), 'changed, not committed');
  write(join(clone, 'staged'), 'staged');
  bench.git(clone, 'add', 'staged');
  write(join(clone, 'untracked'), 'new');
  rmSync(join(clone, 'other'));
  const hook = '#!/bin/sh\ntouch "$0.ran"\n';
  for (const name of ['post-checkout', 'reference-transaction', 'post-index-change'])
    write(join(clone, '.git/hooks', name), hook);
  const before = snapshot(clone);

  const repository = await bench.open(clone);
  expect(await repository.isDirty()).toBe(true);
  expect(await repository.remotes()).toEqual([{ name: 'origin', url: origin }]);
  await repository.checkout(await repository.resolve(), bench.path('out/1'));
  const fetched = await repository.resolve({ sha: remoteOnly });
  await repository.checkout(fetched, bench.path('out/2'));
  await repository.checkout(await repository.resolve({ pullRequest: 7 }), bench.path('out/3'));
  await errorOf(repository.resolve({ sha: 'deadbeef' }));

  expect(snapshot(clone)).toEqual(before);
  expect(bench.git(clone, 'worktree', 'list').split('\n')).toHaveLength(1);
  expect(snapshot(bench.path('out/1'))).toHaveProperty('file');
});

/** Two commits whose ids begin with the same four digits. */
function sameStart(on: Bench, folder: string): readonly [string, string] {
  const tree = on.git(folder, 'rev-parse', 'HEAD^{tree}');
  const seen = new Map<string, string>();
  for (let i = 0; ; i++) {
    const body = `tree ${tree}\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nCandidate ${i}\n`;
    const id = shaOf(body);
    const other = seen.get(id.slice(0, 4));
    if (other !== undefined) return [store(on, folder, other), store(on, folder, body)];
    seen.set(id.slice(0, 4), body);
  }
}

function store(on: Bench, folder: string, body: string): string {
  writeFileSync(on.path('object'), body);
  return on.git(folder, 'hash-object', '-w', '-t', 'commit', on.path('object'));
}

function shaOf(body: string): string {
  return createHash('sha1')
    .update(`commit ${Buffer.byteLength(body)}\0${body}`)
    .digest('hex');
}
