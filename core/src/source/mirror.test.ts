import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ProviderError } from '../provider/error.ts';
import { Bench, snapshot, write } from './testing/repositories.ts';

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});
afterEach(() => bench[Symbol.dispose]());

const child = join(dirname(fileURLToPath(import.meta.url)), 'testing/checkout-process.ts');

describe('a checkout is exactly what is committed', () => {
  test('with modes, links and names of any kind', async () => {
    const folder = bench.init('r');
    const names = ['-rf', '--exec=x', 'a b', 'q\'u"o`te$(x);&', 'new\nline', 'ümlaut', 'tab\t', '%s', 'deep/er/ü/f'];
    for (const name of names) write(join(folder, name), `content of ${name}`);
    writeFileSync(Buffer.concat([Buffer.from(`${folder}/latin`), Buffer.from([0xe9])]), 'x');
    const sha = bench.commit(folder, {
      'run.sh': '#!/bin/sh\n',
      link: '-> deep/er',
      outside: '-> /etc/passwd',
      empty: '',
    });
    const repository = await bench.open(folder);
    const report = await repository.checkout(await repository.resolve({ sha }), bench.path('out'));
    expect(report).toEqual({ submodules: [], lfsPointers: [], gitlinks: {} });
    for (const name of names) expect(readFileSync(join(bench.path('out'), name), 'utf8')).toBe(`content of ${name}`);
    expect(readFileSync(Buffer.concat([Buffer.from(`${bench.path('out')}/latin`), Buffer.from([0xe9])]), 'utf8')).toBe(
      'x',
    );
    expect(lstatSync(bench.path('out/run.sh')).mode & 0o777).toBe(0o755);
    expect(lstatSync(bench.path('out/-rf')).mode & 0o777).toBe(0o644);
    expect(readlinkSync(bench.path('out/link'))).toBe('deep/er');
    expect(existsSync(bench.path('out/.git'))).toBe(false);
  });

  test('whatever filters and line ends the user or the commit set up', async () => {
    const folder = bench.init('r');
    const lfs = '[filter "lfs"]\n\tclean = false\n\tsmudge = false\n\tprocess = false\n\trequired = true\n';
    const sha = bench.commit(folder, {
      '.gitattributes': '*.txt eol=crlf\n*.x filter=evil ident\n',
      'a.txt': 'a\n',
      'b.x': '$Id$\n',
    });
    const evil = `[filter "evil"]\n\tsmudge = touch ${JSON.stringify(bench.path('ran')).slice(1, -1)}\n`;
    writeFileSync(bench.env.GIT_CONFIG_GLOBAL ?? '', `[core]\n\tautocrlf = true\n${lfs}${evil}`);
    const repository = await bench.open(folder);
    await repository.checkout(await repository.resolve({ sha }), bench.path('out'));
    expect(readFileSync(bench.path('out/a.txt'), 'utf8')).toBe('a\n');
    expect(readFileSync(bench.path('out/b.x'), 'utf8')).toBe('$Id$\n');
    expect(existsSync(bench.path('ran'))).toBe(false);
  });

  test('and what it lacks is told: submodules and LFS pointers', async () => {
    const library = bench.init('library');
    const pinned = bench.commit(library, { file: 'x' });
    const folder = bench.init('r');
    const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'a'.repeat(64)}\nsize 12345\n`;
    bench.commit(folder, { 'readme.md': pointer, 'big.bin': pointer, 'small.bin': 'no pointer' });
    bench.git(folder, 'submodule', '--quiet', 'add', library, 'vendor/library ü');
    const none = bench.commit(folder, {});
    const sha = bench.commit(folder, {
      'sub/.gitattributes': '*.bin filter=lfs diff=lfs -text\n',
      'sub/big.bin': pointer,
    });
    const repository = await bench.open(folder);
    expect((await repository.checkout(await repository.resolve({ sha: none }), bench.path('1'))).lfsPointers).toEqual(
      [],
    );
    const report = await repository.checkout(await repository.resolve({ sha }), bench.path('2'));
    expect(report.submodules).toEqual(['vendor/library ü']);
    expect(Object.values(report.gitlinks)).toEqual([pinned]);
    expect(report.lfsPointers).toEqual(['big.bin', 'readme.md', 'sub/big.bin']);
  });
});

describe('a commit that is only on a remote', () => {
  test.each([
    ['', 'speaks the newest protocol'],
    ['0', 'gives only what a branch or tag leads to'],
  ])('is fetched into the mirror by full and short sha (protocol %p: %s)', async (version) => {
    const { origin, clone } = cloned();
    const old = bench.commit(origin, { file: 'old' });
    const tip = bench.commit(origin, { file: 'tip' });
    bench.git(origin, 'tag', '-a', 'release', '-m', 'x');
    if (version !== '') oldServer();
    const repository = await bench.open(clone);
    const commits = [];
    for (const sha of [old, tip, old.slice(0, 8), tip.slice(0, 8).toUpperCase()])
      commits.push((await repository.resolve({ sha })).sha);
    expect(commits).toEqual([old, tip, old, tip]);
    expect((await repository.resolve({ ref: 'release' })).sha).toBe(tip);
    await repository.checkout(await repository.resolve({ sha: old }), bench.path('out'));
    expect(readFileSync(bench.path('out/file'), 'utf8')).toBe('old');
    expect(existsSync(join(clone, '.git/FETCH_HEAD'))).toBe(false);
  });

  test('is found by a pull or merge request', async () => {
    const { origin, clone } = cloned();
    const main = bench.git(origin, 'rev-parse', 'HEAD');
    const head = bench.commit(origin, { file: 'pr' });
    bench.git(origin, 'update-ref', 'refs/pull/12/head', head);
    bench.git(origin, 'update-ref', 'refs/merge-requests/13/head', head);
    bench.git(origin, 'reset', '-q', '--hard', main);
    const repository = await bench.open(clone);
    expect(await repository.resolve({ pullRequest: 12 })).toMatchObject({ sha: head, ref: 'pull/12' });
    expect(await repository.resolve({ pullRequest: 13 })).toMatchObject({ sha: head, ref: 'pull/13' });
    await expect(repository.resolve({ pullRequest: 14 })).rejects.toThrow(/pull request 14 is neither .* origin/);
  });

  test('is an error of its own where the remote does not answer, without the password in its URL', async () => {
    const { clone } = cloned();
    bench.git(clone, 'remote', 'set-url', 'origin', 'http://me:s3cret@127.0.0.1:9/x.git');
    const repository = await bench.open(clone);
    expect(await repository.remotes()).toEqual([{ name: 'origin', url: 'http://127.0.0.1:9/x.git' }]);
    const error: unknown = await repository.resolve({ sha: 'ab'.repeat(20) }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'unavailable' });
    expect(String(error)).toMatch(/is not in this repository, and a remote did not answer/);
    expect(JSON.stringify(error) + String(error)).not.toContain('s3cret');
  });
});

test('shallow and partial clones deploy what they have, and what they lack comes from the remote', async () => {
  const origin = bench.init('origin');
  const old = bench.commit(origin, { file: 'old' });
  const tip = bench.commit(origin, { file: 'tip' });
  bench.git(origin, 'config', 'uploadpack.allowFilter', 'true');
  bench.git(bench.folder, 'clone', '-q', '--depth=1', `file://${origin}`, 'shallow');
  bench.git(bench.folder, 'clone', '-q', '--filter=blob:none', '--no-checkout', `file://${origin}`, 'partial');
  for (const name of ['shallow', 'partial']) {
    const before = snapshot(bench.path(name));
    const repository = await bench.open(bench.path(name));
    for (const sha of [tip, old])
      await repository.checkout(await repository.resolve({ sha }), bench.path(`${name}-${sha}`));
    expect(readFileSync(bench.path(`${name}-${tip}/file`), 'utf8')).toBe('tip');
    expect(readFileSync(bench.path(`${name}-${old}/file`), 'utf8')).toBe('old');
    expect(snapshot(bench.path(name))).toEqual(before);
  }
});

test('a warm checkout of a commit takes four short runs of git', async () => {
  const folder = bench.init('r');
  const sha = bench.commit(folder, { file: '1' });
  const first = await bench.open(folder);
  await first.checkout(await first.resolve({ sha }), bench.path('1'));
  const log = bench.path('log');
  const real = execFileSync('/bin/sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();
  write(bench.path('bin/git'), `#!/bin/sh\necho run >> '${log}'\nexec '${real}' "$@"\n`);
  const second = await bench.open(folder, { ...bench.env, PATH: `${bench.path('bin')}:${bench.env.PATH}` });
  await second.checkout(await second.resolve({ sha }), bench.path('2'));
  expect(readFileSync(log, 'utf8').trim().split('\n')).toHaveLength(4);
});

describe('a mirror', () => {
  test('serves twenty processes at once, also where nothing is there yet', async () => {
    const { folder, shas } = history(10);
    const outs = Array.from({ length: 20 }, (_, i) => bench.path(`out-${i}`));
    const ends = outs.map((out, i) =>
      run(folder, out, [shas[i % 10] ?? '', shas[(i * 3 + 1) % 10] ?? '']).then(({ code }) => code),
    );
    expect(new Set(await Promise.all(ends))).toEqual(new Set([0]));
    for (const [i, out] of outs.entries())
      expect(readFileSync(join(out, shas[i % 10] ?? '', 'file'), 'utf8')).toBe(`${i % 10}`);
    expect(readdirSync(join(mirrorFolder(), 'incoming'))).toEqual([]);
  });

  test('survives SIGKILL at any moment: the next run works, and clears up', async () => {
    const { folder, shas } = history(24);
    for (const [i, sha] of shas.entries()) {
      const process = start(folder, bench.path(`killed-${i}`), [sha, ...shas]);
      const timer = setTimeout(() => process.kill('SIGKILL'), 60 + i * 6);
      await once(process, 'close');
      clearTimeout(timer);
    }
    const repository = await bench.open(folder);
    for (const sha of shas) await repository.checkout(await repository.resolve({ sha }), bench.path(`after/${sha}`));
    for (const [i, sha] of shas.entries()) expect(readFileSync(bench.path(`after/${sha}/file`), 'utf8')).toBe(`${i}`);
    await repository.mirror.compact();
    expect(readdirSync(join(mirrorFolder(), 'incoming'))).toEqual([]);
  });

  test('is not stopped by locks that dead processes of git left', async () => {
    const { folder, shas } = history(3);
    const repository = await bench.open(folder);
    const [a = '', b = '', c = ''] = shas;
    await repository.checkout(await repository.resolve({ sha: a }), bench.path('a'));
    for (const name of [
      'shallow.lock',
      'config.lock',
      'packed-refs.lock',
      'index.lock',
      'HEAD.lock',
      `refs/clusternator/${b}.lock`,
    ]) {
      writeFileSync(join(mirrorFolder(), name), '');
    }
    await repository.checkout(await repository.resolve({ sha: b }), bench.path('b'));
    await repository.checkout(await repository.resolve({ sha: c }), bench.path('c'));
    expect(readFileSync(bench.path('c/file'), 'utf8')).toBe('2');
  });

  test.each([
    ['its packs are gone', () => each('objects/pack', (file) => rmSync(file))],
    [
      'its packs are cut off',
      () => each('objects/pack', (file) => overwrite(file, readFileSync(file).subarray(0, 40))),
    ],
    [
      'its packs are garbage',
      () => each('objects/pack', (file) => overwrite(file, Buffer.alloc(readFileSync(file).length, 7))),
    ],
    ['its settings are garbage', () => overwrite(join(mirrorFolder(), 'config'), Buffer.from('[core'))],
    ['its objects are gone', () => rmSync(join(mirrorFolder(), 'objects'), { recursive: true })],
    ['all of it is gone', () => rmSync(mirrorFolder(), { recursive: true })],
  ])('is made again when %s', async (_, damage) => {
    const { folder, shas } = history(3);
    const repository = await bench.open(folder);
    const [a = '', b = '', c = ''] = shas;
    await repository.checkout(await repository.resolve({ sha: a }), bench.path('a'));
    await repository.checkout(await repository.resolve({ sha: b }), bench.path('b'));
    damage();
    await repository.checkout(await repository.resolve({ sha: c }), bench.path('c-again'));
    await repository.checkout(await repository.resolve({ sha: a }), bench.path('a-again'));
    expect(readFileSync(bench.path('a-again/file'), 'utf8')).toBe('0');
    expect(readFileSync(bench.path('c-again/file'), 'utf8')).toBe('2');
  });

  test('forgets commits, packs what it keeps, and goes with its last one', async () => {
    const { folder, shas } = history(25);
    const repository = await bench.open(folder);
    for (const sha of shas) await repository.checkout(await repository.resolve({ sha }), bench.path(sha));
    expect(await repository.mirror.commits()).toHaveLength(25);
    for (const sha of shas.slice(2)) await repository.mirror.forget(sha);
    await repository.mirror.compact();
    expect(readdirSync(join(mirrorFolder(), 'objects/pack')).filter((name) => name.endsWith('.pack'))).toHaveLength(1);
    for (const sha of shas.slice(0, 3))
      await repository.checkout(await repository.resolve({ sha }), bench.path(`again/${sha}`));
    expect(readFileSync(bench.path(`again/${shas[1] ?? ''}/file`), 'utf8')).toBe('1');
    for (const sha of shas) await repository.mirror.forget(sha);
    await repository.mirror.compact();
    expect(readdirSync(join(bench.stateFolder, 'mirrors'))).toEqual([]);
  });

  test('that can not be written is an error that says so', async () => {
    const { folder, shas } = history(1);
    writeFileSync(bench.stateFolder, 'in the way');
    const repository = await bench.open(folder);
    await expect(
      repository.checkout(await repository.resolve({ sha: shas[0] ?? '' }), bench.path('out')),
    ).rejects.toThrow();
    rmSync(bench.stateFolder);
    if (process.getuid?.() === 0) return; // Root may write anywhere.
    mkdirSync(bench.stateFolder, { mode: 0o500 });
    const error: unknown = await repository
      .checkout(await repository.resolve(), bench.path('out'))
      .catch((thrown: unknown) => thrown);
    expect(ProviderError.is(error) && error.code).toBe('denied');
  });
});

test('an abort ends a fetch at once', async () => {
  const { clone } = cloned();
  write(bench.path('slow'), '#!/bin/sh\nsleep 60\n');
  bench.git(clone, 'remote', 'set-url', 'origin', 'ssh://example.invalid/x.git');
  const controller = new AbortController();
  const { openRepository } = await import('./repository.ts');
  const env = { ...bench.env, GIT_SSH: bench.path('slow') };
  const repository = await openRepository(clone, { env, stateFolder: bench.stateFolder, signal: controller.signal });
  const waiting = repository.resolve({ sha: 'ab'.repeat(20) });
  setTimeout(() => controller.abort(), 200);
  await expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
});

function cloned(): { origin: string; clone: string } {
  const origin = bench.init('origin');
  bench.commit(origin, { file: 'base' });
  bench.git(bench.folder, 'clone', '-q', origin, 'clone');
  return { origin, clone: bench.path('clone') };
}

/** A server of before protocol 2, as some hosts still are. */
function oldServer(): void {
  const real = execFileSync('/bin/sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();
  write(bench.path('bin/git-upload-pack'), `#!/bin/sh\nunset GIT_PROTOCOL\nexec '${real}' upload-pack "$@"\n`);
  bench.env.PATH = `${bench.path('bin')}:${bench.env.PATH}`;
  bench.git(bench.path('clone'), 'remote', 'set-url', 'origin', `ssh://host${bench.path('origin')}`);
  // As ssh would, without a network.
  write(bench.path('ssh'), `#!/bin/sh\nshift $(($# - 1))\nunset GIT_PROTOCOL\neval "exec $1"\n`);
  bench.env.GIT_SSH = bench.path('ssh');
}

function history(length: number): { folder: string; shas: string[] } {
  const folder = bench.init('r');
  return {
    folder,
    shas: Array.from({ length }, (_, i) => bench.commit(folder, { file: `${i}`, [`only/${i}`]: `${i}` })),
  };
}

function start(folder: string, out: string, shas: readonly string[]): ReturnType<typeof spawn> {
  const args = ['--experimental-transform-types', '--no-warnings', child, folder, bench.stateFolder, out, ...shas];
  return spawn(process.execPath, args, { env: bench.env, stdio: ['ignore', 'ignore', 'inherit'] });
}

async function run(folder: string, out: string, shas: readonly string[]): Promise<{ code: unknown }> {
  const [code] = (await once(start(folder, out, shas), 'close')) as [number | null]; // As documented for 'close'.
  return { code };
}

function mirrorFolder(): string {
  const [name = ''] = readdirSync(join(bench.stateFolder, 'mirrors'));
  return join(bench.stateFolder, 'mirrors', name);
}

function each(folder: string, change: (file: string) => void): void {
  for (const name of readdirSync(join(mirrorFolder(), folder))) change(join(mirrorFolder(), folder, name));
}

function overwrite(file: string, bytes: Buffer): void {
  chmodSync(file, 0o600);
  writeFileSync(file, bytes);
}
