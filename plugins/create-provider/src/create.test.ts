import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createProvider, DRIVERS, type Driver } from './create.ts';
import { namesOf, renamed } from './names.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'create-provider-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const modules = resolve(import.meta.dirname, '..', '..', '..', 'node_modules');
const SUBSETS: readonly (readonly Driver[])[] = [['environments', 'slots'], ['dns'], ['storage', 'state'], DRIVERS];

test.each(SUBSETS.map((drivers) => [drivers.join(', '), drivers] as const))(
  'with %s it type-checks',
  async (_, drivers) => {
    const files = await createProvider({ id: 'my-fly', folder, drivers });
    for (const driver of DRIVERS)
      expect([driver, files.includes(`src/${driver}.ts`)]).toEqual([driver, drivers.includes(driver)]);
    await symlink(modules, join(folder, 'node_modules'));
    const tsc = join(modules, 'typescript', 'bin', 'tsc');
    const checked = promisify(execFile)(process.execPath, [tsc, '--project', folder]);
    await expect(checked).resolves.toMatchObject({ stdout: '' });
    const provider = await readFile(join(folder, 'src/index.ts'), 'utf8');
    for (const driver of DRIVERS)
      expect([driver, provider.includes(`    ${driver}: async`)]).toEqual([driver, drivers.includes(driver)]);
  },
  120_000,
);

test('nothing is left of the cloud that it was made from', async () => {
  const files = await createProvider({ id: 'fly', folder });
  for (const file of files.filter((one) => one !== 'LICENSE')) {
    const text = await readFile(join(folder, file), 'utf8');
    expect([file, /memory(?! and| alone)|\[\[/i.exec(text.replaceAll('keeps everything in memory', ''))?.[0]]).toEqual([
      file,
      undefined,
    ]);
  }
});

test.each([['Fly'], ['2fly'], ['a b'], ['../evil']])('"%s" is no id', async (id) => {
  await expect(createProvider({ id, folder })).rejects.toMatchObject({ code: 'invalid' });
});

test('a folder with something in it is left alone', async () => {
  await writeFile(join(folder, 'mine'), '');
  await expect(createProvider({ id: 'fly', folder })).rejects.toMatchObject({ code: 'already-exists' });
});

test('an id of several words in each form that code wants', () => {
  const text = "memoryProvider MemoryCloud MEMORY_TOKEN 'memory'";
  expect(renamed(text, namesOf('my-cloud'))).toBe("myCloudProvider MyCloudCloud MY_CLOUD_TOKEN 'my-cloud'");
});
