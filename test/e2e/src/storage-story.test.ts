import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { eventually, get } from './http.ts';
import { Sandbox } from './sandbox.ts';

const SERVER = `
import http from 'node:http';
import fs from 'node:fs';
const orders = 'data/orders';
http.createServer((request, response) => {
  if (request.method === 'POST') fs.appendFileSync(orders, 'order ');
  response.end(fs.existsSync(orders) ? fs.readFileSync(orders, 'utf8') : '');
}).listen(process.env.PORT);
`;
const SEED = `import fs from 'node:fs';\nfs.writeFileSync('data/orders', 'seeded ');\n`;
const CHECK = `import fs from 'node:fs';\nif (!fs.readFileSync('data/orders', 'utf8').startsWith('seeded ')) process.exit(1);\n`;

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await Sandbox.open();
});
afterEach(async () => sandbox.dispose());

interface Snapshot {
  readonly id: string;
  readonly volume: string;
}

test('the data of a slot is seeded, backed up, verified, restored and swapped in, and nothing of it is lost', async () => {
  const repository = await sandbox.repositoryOf({
    'clusternator.config.yaml': `project: ${sandbox.project}
provider: local
services:
  web: { command: node server.mjs, port: 8080, route: /, volumes: { data: data } }
volumes:
  data: { scope: slot, seed: { run: node seed.mjs }, backup: { every: 1h, keep: 1d, verify: node check.mjs } }
slots: { master: { standbys: 1 } }
`,
    'server.mjs': SERVER,
    'seed.mjs': SEED,
    'check.mjs': CHECK,
  });
  const run = <T>(...words: string[]): Promise<T> => sandbox.answer(...words);
  const { environment } = await run<{ environment: { id: string } }>('env', 'create');
  const { slot } = await run<{ slot: { url: string } }>('promote', environment.id, 'master');
  expect((await get(slot.url, { method: 'POST' })).body).toBe('seeded order ');

  const { runs } = await run<{ runs: readonly { state: string; snapshot: string }[] }>('backup', 'run', '--due');
  expect(runs.map(({ state }) => state)).toEqual(['taken']);
  const [backup = ''] = runs.map(({ snapshot }) => snapshot);
  expect((await run<{ runs: readonly object[] }>('backup', 'run', '--due')).runs).toEqual([]);
  const { verified } = await run<{ verified: readonly { isGood: boolean }[] }>('backup', 'verify');
  expect(verified.map(({ isGood }) => isGood)).toEqual([true]);
  const { volumes } = await run<{ volumes: readonly { isKept: boolean }[] }>('backup', 'report', '--exit-code');
  expect(volumes.map(({ isKept }) => isKept)).toEqual([true]);

  await get(slot.url, { method: 'POST' });
  const { plan } = await run<{ plan: { loss: { bytes: number } } }>(
    'storage',
    'restore',
    backup,
    '--swap',
    '--dry-run',
  );
  expect(plan.loss.bytes).toBeGreaterThan(0);
  await run('storage', 'restore', backup, '--as', 'again', '--swap', '--yes');
  expect((await get(slot.url)).body).toBe('seeded order ');
  const { snapshots } = await run<{ snapshots: readonly Snapshot[] }>('storage', 'snapshots', 'slot-master-data');
  expect(snapshots.map(({ id }) => id)).toContainEqual(expect.stringMatching(/^before-data-/));
  await run('storage', 'swap', 'slot-master-data', '--yes');
  expect((await get(slot.url)).body).toBe('seeded order order ');

  const { outcome, error } = await sandbox.json(['storage', 'destroy', backup, '--yes'], { cwd: repository.folder });
  expect({ exit: outcome.code, code: error?.code }).toEqual({ exit: 7, code: 'refused' });
}, 240_000);

test('the daemon takes backups when they are due, with nobody asking', async () => {
  sandbox.env.CLUSTERNATOR_LOCAL_EXPIRY_SECONDS = '0.2';
  const repository = await sandbox.repositoryOf({
    'clusternator.config.yaml': `project: ${sandbox.project}
provider: local
services:
  web: { command: node server.mjs, port: 8080, route: /, volumes: { data: data } }
volumes:
  data: { scope: slot, backup: { every: 1h, keep: 1d } }
slots: { master: { standbys: 1 } }
`,
    'server.mjs': SERVER,
  });
  const ask = async <T>(...words: string[]): Promise<T> =>
    (await sandbox.json<T>(words, { cwd: repository.folder })).data;
  const { environment } = await ask<{ environment: { id: string } }>('env', 'create');
  await ask('promote', environment.id, 'master');
  await eventually(async () => {
    const { backups } = await ask<{ backups: readonly { state: string }[] }>('backup', 'list');
    expect(backups.map(({ state }) => state)).toEqual(['ready']);
  }, 60);
  await eventually(async () => {
    const { stdout } = await sandbox.run(['daemon', 'logs'], { cwd: repository.folder });
    expect(stdout).toMatch(/backup of volume slot-master-data of .*: backup-data-/);
  });
}, 180_000);
