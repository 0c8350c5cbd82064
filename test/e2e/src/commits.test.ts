import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { get } from './http.ts';
import { TestRepository } from './repository.ts';
import { Sandbox } from './sandbox.ts';

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await Sandbox.open();
});
afterEach(async () => sandbox.dispose());

async function versionOf(url: string): Promise<string> {
  return (JSON.parse((await get(url)).body) as { version: string }).version;
}

describe('a commit is named by', () => {
  test('its id, full, short and in upper case, by a branch and by a tag', async () => {
    const { repository, commits } = await sandbox.repository('node-service', ['first', 'second', 'third']);
    await repository.git('tag', 'v1.0', commits[0]!);
    await repository.git('tag', '--annotate', '--message', 'the second', 'v2.0', commits[1]!);
    await repository.git('branch', 'feature/a-b', commits[1]!);
    const names: readonly (readonly [string[], string])[] = [
      [['--sha', commits[0]!], 'first'],
      [['--sha', commits[0]!.slice(0, 8)], 'first'],
      [['--sha', commits[0]!.toUpperCase()], 'first'],
      [['--sha', commits[0]!.slice(0, 7).toUpperCase()], 'first'],
      [['--ref', 'v1.0'], 'first'],
      [['--ref', 'v2.0'], 'second'],
      [['--ref', 'feature/a-b'], 'second'],
      [['--sha', 'HEAD'], 'third'],
      [[], 'third'],
    ];
    for (const [args, version] of names) {
      const environment = await sandbox.create(...args);
      expect([args, await versionOf(environment.url)]).toEqual([args, version]);
    }
    expect(await sandbox.environments()).toHaveLength(3);
  }, 240_000);

  test('its id when only a remote has it', async () => {
    const { repository: remote, commits } = await sandbox.repository('node-service', ['first'], 'remote');
    await new TestRepository(sandbox.folder).git('clone', '--quiet', remote.folder, path.join(sandbox.folder, 'clone'));
    await remote.write('version.txt', 'later\n');
    const later = await remote.commit('Later');
    await remote.git('branch', 'topic', later);
    sandbox.cwd = path.join(sandbox.folder, 'clone');
    const clone = new TestRepository(sandbox.cwd);
    const before = await clone.picture();

    expect(await versionOf((await sandbox.create('--sha', later)).url)).toBe('later');
    expect(await versionOf((await sandbox.create('--ref', 'topic')).url)).toBe('later');
    expect(await versionOf((await sandbox.create('--sha', commits[0]!)).url)).toBe('first');
    expect(await clone.picture()).toBe(before);
  }, 180_000);
});

describe('a repository', () => {
  test('may have a space and unicode in its path', async () => {
    await sandbox.repository('node-service', ['first'], 'bäcker & söhne/le dépôt ✓');
    expect(await versionOf((await sandbox.create()).url)).toBe('first');
    await sandbox.expectNothingIsLeft();
  }, 120_000);

  test('is found from a folder inside of it', async () => {
    const { repository } = await sandbox.repository('node-service', ['first']);
    await repository.write('deep/er/file.txt', 'x\n');
    sandbox.cwd = path.join(repository.folder, 'deep', 'er');
    expect(await versionOf((await sandbox.create()).url)).toBe('first');
  }, 120_000);

  test('with a submodule: it is told', async () => {
    const { repository } = await sandbox.repository('node-service', ['first']);
    const other = await TestRepository.init(path.join(sandbox.folder, 'other'));
    await other.write('file.txt', 'x\n');
    await other.commit('One file');
    await repository.git('submodule', '--quiet', 'add', other.folder, 'vendor/other');
    await repository.commit('Use the other one');
    const { outcome } = await sandbox.json(['env', 'create']);
    expect(`${outcome.stdout}${outcome.stderr}`).toMatch(/submodule/i);
    expect(`${outcome.stdout}${outcome.stderr}`).toContain('vendor/other');
  }, 120_000);

  test('with a Git LFS pointer: it is told', async () => {
    const { repository } = await sandbox.repository('node-service', ['first']);
    const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'a'.repeat(64)}\nsize 12345\n`;
    await repository.write('.gitattributes', '*.bin filter=lfs diff=lfs merge=lfs -text\n');
    await writeFile(path.join(repository.folder, 'model.bin'), pointer);
    await repository.git('config', 'filter.lfs.clean', 'cat');
    await repository.commit('A large file');
    const { outcome } = await sandbox.json(['env', 'create']);
    expect(`${outcome.stdout}${outcome.stderr}`).toMatch(/LFS/);
    expect(`${outcome.stdout}${outcome.stderr}`).toContain('model.bin');
  }, 120_000);
});

describe('a commit that is not there', () => {
  test.each([
    ['an unknown id', ['--sha', 'deadbeefdeadbeefdeadbeefdeadbeefdeadbeef'], 3],
    ['an unknown branch', ['--ref', 'no-such-branch'], 3],
    ['what looks like an option', ['--sha=--upload-pack=touch'], 3],
  ])('%s ends with its exit code, and makes nothing', async (_what, args, exit) => {
    await sandbox.repository('node-service', ['first']);
    const { outcome, error, ok } = await sandbox.json(['env', 'create', ...args]);
    expect({ exit: outcome.code, ok }).toEqual({ exit, ok: false });
    expect(error?.hint ?? error?.message).toBeTruthy();
    expect(await sandbox.environments()).toEqual([]);
  });
});
