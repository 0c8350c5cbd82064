import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { get } from './http.ts';
import { fileLeftovers } from './leftovers.ts';
import { Sandbox } from './sandbox.ts';

const SERVER = `
import http from 'node:http';
import fs from 'node:fs';
http.createServer((request, response) => {
  if (request.method === 'POST') fs.writeFileSync('data/orders', request.url.slice(1));
  response.end('ok');
}).listen(process.env.PORT);
`;
const CHECK = `
import fs from 'node:fs';
const orders = fs.readFileSync('data/orders', 'utf8');
console.log('found ' + orders);
process.exit(orders === 'whole' ? 0 : 1);
`;

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await Sandbox.open();
});
afterEach(async () => sandbox.dispose());

const run = <T>(...words: string[]): Promise<T> => sandbox.answer(...words);

interface Verified {
  readonly verified: readonly { readonly snapshot: string; readonly isGood: boolean; readonly message: string }[];
}

test.each(['retain', 'snapshot'])(
  'backups of data whose environment is gone are checked by what its commit ran: onDestroy %s',
  async (onDestroy) => {
    await sandbox.repositoryOf({
      'clusternator.config.yaml': `project: PROJECT
provider: local
services:
  web: { command: node server.mjs, port: 8080, route: /, volumes: { data: data } }
volumes:
  data: { onDestroy: ${onDestroy}, backup: { every: 1h, keep: 1d, verify: node check.mjs } }
`,
      'server.mjs': SERVER,
      'check.mjs': CHECK,
    });
    const { id, url } = await sandbox.create();
    await get(`${url}/whole`, { method: 'POST' });
    await run('backup', 'run');
    await get(`${url}/torn`, { method: 'POST' });
    await run('backup', 'run');
    const { backups } = await run<{ backups: readonly { id: string }[] }>('backup', 'list');
    const [torn, whole] = backups.map((one) => one.id);
    await sandbox.destroy(id);
    expect(await sandbox.environments()).toEqual([]);

    const { verified } = await run<Verified>('backup', 'verify', whole ?? '');
    expect(verified).toEqual([
      expect.objectContaining({ isGood: true, message: expect.stringContaining('ended with 0: found whole') }),
    ]);
    const { outcome, data } = await sandbox.json<Verified>(['backup', 'verify', torn ?? '']);
    expect(outcome.code).toBe(5);
    expect(data.verified).toEqual([
      expect.objectContaining({ isGood: false, message: expect.stringContaining('found torn') }),
    ]);
    // What was made for it is gone.
    expect((await run<{ items: readonly object[] }>('gc', '--dry-run')).items).toEqual([]);
    expect((await fileLeftovers(sandbox.stateHome)).filter((one) => /verify|scratch|artefact/.test(one))).toEqual([]);
  },
  240_000,
);
