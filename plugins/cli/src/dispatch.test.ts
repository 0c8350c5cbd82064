import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { leadingFlagsLast, pluginsNeededFor } from './dispatch.ts';

let root: string;
const pjson = {
  name: 'clusternator',
  version: '1.0.0',
  oclif: { plugins: ['@acme/provider-a', '@oclif/plugin-help'] },
};

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'clusternator-dispatch-'));
  await writeFile(
    join(root, 'oclif.manifest.json'),
    JSON.stringify({ commands: { 'env:list': {}, 'env:exec': {}, gc: {}, 'slot:promote': { aliases: ['promote'] } } }),
  );
  const provider = join(root, 'node_modules/@acme/provider-a');
  await mkdir(provider, { recursive: true });
  await writeFile(join(provider, 'package.json'), '{}');
  await writeFile(join(provider, 'oclif.manifest.json'), JSON.stringify({ commands: { 'daemon:status': {} } }));
});
afterAll(async () => {
  await rm(root, { recursive: true, force: true });
});

test.each([
  ['gc --dry-run'],
  ['promote 1a2b master'],
  ['env list --all'],
  ['env exec 1a2b api -- ls --help'],
  ['env exec 1a2b api -- sh -h'],
])('%s is ours: no plugin is loaded', (line) => {
  expect(pluginsNeededFor(line.split(' '), root, pjson)).toMatchObject({
    userPlugins: false,
    pjson: { oclif: { plugins: [] } },
  });
});

test('a command of a provider that comes along loads no installed plugin', () => {
  expect(pluginsNeededFor(['daemon', 'status'], root, pjson)).toEqual({ userPlugins: false, devPlugins: false });
});

test.each([[''], ['--help'], ['help env'], ['env'], ['env list --help'], ['plugins install x'], ['fly deploy']])(
  '"%s" needs to know all plugins',
  (line) => {
    expect(pluginsNeededFor(line.split(' ').filter(Boolean), root, pjson)).toEqual({});
  },
);

test.each([
  ['-C /tmp env list', 'env list -C /tmp'],
  ['--cwd=/tmp --json env exec 1a api -- ls -l', 'env exec 1a api --cwd=/tmp --json -- ls -l'],
  ['env list -C /tmp', 'env list -C /tmp'],
  ['--help', '--help'],
  ['-C', '-C'],
])('flags may come before the command: %s', (line, expected) => {
  expect(leadingFlagsLast(line.split(' ')).join(' ')).toBe(expected);
});
