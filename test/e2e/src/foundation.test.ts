import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { writeFoundedProvider } from './founded-provider.ts';
import { Sandbox } from './sandbox.ts';

let sandbox: Sandbox;
let file: string;
beforeEach(async () => {
  sandbox = await Sandbox.open();
  const folder = await writeFoundedProvider(path.join(sandbox.folder, 'plugins', 'founded'));
  expect((await sandbox.run(['plugins', 'link', folder, '--no-install'])).code).toBe(0);
  file = path.join(sandbox.folder, 'cloud.json');
  await sandbox.repositoryOf({
    'clusternator.config.yaml': `project: PROJECT
provider: { name: founded, file: ${file}, nat: 1 }
stages:
  production: { provider: { nat: 2 } }
services:
  work: { command: node work.js }
`,
    'work.js': '',
  });
});
afterEach(async () => sandbox.dispose());

interface Cloud {
  readonly foundations: Readonly<Record<string, { readonly network: string; readonly nat: number }>>;
  readonly environments: Readonly<Record<string, { readonly on: string }>>;
  readonly made: number;
}
const cloud = async (): Promise<Cloud> => JSON.parse(await readFile(file, 'utf8')) as Cloud;

test('the first command makes what it stands on, and it goes when nothing stands on it', async () => {
  const missing = await sandbox.json<{ foundation: object }>(['foundation', 'show']);
  expect(missing.data.foundation).toMatchObject({ id: 'founded', state: 'absent' });
  const planned = async (): Promise<readonly string[]> =>
    (
      await sandbox.answer<{ plan: { changes: readonly { what: string }[] } }>('env', 'create', '--dry-run')
    ).plan.changes.map(({ what }) => what);
  expect((await planned()).filter((what) => what.startsWith('foundation'))).toEqual([
    'foundation founded',
    'foundation: network',
    'foundation: NAT gateways',
  ]);
  expect((await sandbox.json<{ foundation: object }>(['foundation', 'show'])).data.foundation).toMatchObject({
    state: 'absent',
  });
  await Promise.all([sandbox.create(), sandbox.create()]);
  expect([(await cloud()).made, Object.values((await cloud()).environments)]).toMatchObject([1, [{ on: 'net-1' }]]);
  const shown = await sandbox.run(['foundation', 'show']);
  expect(shown.stdout).toMatch(/^state {8}ready$/m);
  expect(shown.stdout).toMatch(/^output {7}network net-1$/m);

  const refused = await sandbox.json(['foundation', 'destroy', '--yes']);
  const [{ id } = { id: '' }] = await sandbox.environments();
  expect([refused.outcome.code, refused.error?.code]).toEqual([4, 'conflict']);
  expect(refused.error?.message).toContain(`environment ${id}`);
  await sandbox.destroy(id);
  expect((await planned()).filter((what) => what.startsWith('foundation'))).toEqual([]); // it is there still
  expect((await sandbox.run(['foundation', 'destroy'])).code).toBe(2); // nobody can be asked
  await sandbox.answer('foundation', 'destroy', '--yes');
  expect(await cloud()).toMatchObject({ foundations: {}, environments: {} });
  expect((await sandbox.json(['foundation', 'destroy', '--yes'])).outcome.code).toBe(3);
});

test('two stages of one config differ in sizes alone; one that was removed by hand is made again', async () => {
  const diff = ['foundation', 'diff', 'default', 'production'];
  const { differences } = await sandbox.answer<{ differences: readonly object[] }>(...diff);
  expect(differences).toEqual([
    { kind: 'config', what: 'provider.nat', values: [1, 2] },
    { kind: 'part', what: 'NAT gateways: count', values: [1, 2] },
  ]);
  expect((await sandbox.run([...diff, '--exit-code'])).code).toBe(10);
  expect((await sandbox.run(diff)).stdout).toMatch(/^NAT gateways: count +1 +2$/m);
  await expect(readFile(file)).rejects.toMatchObject({ code: 'ENOENT' });

  await sandbox.answer('foundation', 'create', '--stage', 'production');
  expect(Object.values((await cloud()).foundations)).toMatchObject([{ nat: 2 }]);
  await writeFile(file, JSON.stringify({ ...(await cloud()), foundations: {} }));
  expect((await sandbox.run(['foundation', 'show', '--stage', 'production'])).stdout).toMatch(/^state {8}gone: /m);
  await sandbox.answer('foundation', 'create', '--stage', 'production');
  expect(Object.values((await cloud()).foundations)).toMatchObject([{ network: 'net-2' }]);
  await sandbox.answer('foundation', 'destroy', '--stage', 'production', '--yes');
});

test('a provider that needs none says so', async () => {
  const { outcome, error } = await sandbox.json(['foundation', 'show', '--provider', 'local']);
  expect([outcome.code, error?.code]).toEqual([7, 'unsupported']);
});
