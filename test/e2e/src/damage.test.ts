import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { get } from './http.ts';
import { Sandbox } from './sandbox.ts';

const SERVER = `
import http from 'node:http';
import fs from 'node:fs';
http.createServer((request, response) => {
  if (request.method === 'POST') fs.appendFileSync('data/orders', 'one more order '.repeat(1000));
  response.end(fs.existsSync('data/orders') ? fs.readFileSync('data/orders', 'utf8') : '');
}).listen(process.env.PORT);
`;

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await Sandbox.open();
});
afterEach(async () => sandbox.dispose());

interface Volume {
  readonly id: string;
}

/** Where a snapshot's files are, there is one that has this name. */
function fileOf(name: string): string {
  const snapshots = path.join(sandbox.stateHome, 'local', 'snapshots');
  const found = readdirSync(snapshots, { recursive: true, encoding: 'utf8' }).filter(
    (file) => path.basename(file) === name,
  );
  expect(found).toHaveLength(1);
  return path.join(snapshots, found[0] ?? '');
}

test('one flipped byte of a snapshot: no restore, a verification says so, and what is in use is untouched', async () => {
  await sandbox.repositoryOf({
    'clusternator.config.yaml': `project: PROJECT
provider: local
services:
  web: { command: node server.mjs, port: 8080, route: /, volumes: { data: data } }
volumes: { data: { backup: { every: 1h, keep: 1d } } }
`,
    'server.mjs': SERVER,
  });
  const { url } = await sandbox.create();
  const { body } = await get(url, { method: 'POST' });
  const { data } = await sandbox.json<{ runs: readonly { snapshot: string }[] }>(['backup', 'run']);
  const snapshot = data.runs[0]?.snapshot ?? '';
  const verify = async () => {
    const answer = await sandbox.json<{ verified: readonly { isGood: boolean; message: string }[] }>([
      'backup',
      'verify',
    ]);
    return { exit: answer.outcome.code, ...answer.data.verified[0] };
  };
  expect(await verify()).toMatchObject({ exit: 0, isGood: true });

  const bytes = readFileSync(fileOf('orders'));
  const middle = bytes.length >> 1;
  bytes.writeUInt8(bytes.readUInt8(middle) ^ 1, middle);
  writeFileSync(fileOf('orders'), bytes);

  const restore = async () => (await sandbox.json(['storage', 'restore', snapshot, '--as', 'again'])).error;
  expect(await restore()).toMatchObject({ code: 'damaged', message: expect.stringContaining('orders') });
  const volumes = await sandbox.json<{ volumes: readonly Volume[] }>(['storage', 'list']);
  expect(volumes.data.volumes.map(({ id }) => id)).not.toContain('again');
  expect(await verify()).toMatchObject({ exit: 5, isGood: false, message: expect.stringContaining('orders') });
  expect(await restore()).toMatchObject({ code: 'damaged', message: expect.stringContaining('is not good') });
  expect((await get(url)).body).toBe(body);
}, 120_000);
