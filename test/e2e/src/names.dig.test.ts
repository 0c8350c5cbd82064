import { networkInterfaces } from 'node:os';

import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { runProgram } from './cli.ts';
import { get } from './http.ts';
import { Sandbox } from './sandbox.ts';

const hasSix = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));
let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await Sandbox.open();
});
afterEach(async () => sandbox.dispose());

test('an environment has a name in the project’s zone while it is there, over UDP and TCP, and it answers under its address', async () => {
  const { commits } = await sandbox.repository('node-service', ['first']);
  const { id } = await sandbox.create('--sha', commits[0]!);
  const { data } = await sandbox.json<{ dnsPort: number }>(['daemon', 'status']);
  const name = `${commits[0]!.slice(0, 8)}.${sandbox.project}.test`;
  const dig = async (...more: string[]): Promise<string> => {
    const args = ['@127.0.0.1', '-p', String(data.dnsPort), '+short', '+tries=1', ...more, name, 'A'];
    return (await runProgram('dig', args, { cwd: sandbox.folder, env: process.env })).stdout.trim();
  };
  const address = await dig();
  expect(address).toMatch(/^127\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.\d+\.\d+$/);
  expect(await dig('+tcp')).toBe(address);
  if (hasSix) {
    expect(await dig('@::1')).toBe(address);
    expect(await dig('@::1', '+tcp')).toBe(address);
  }
  await sandbox.destroy(id);
  expect(await dig()).toBe('');
}, 120_000);

test('an environment answers over both families, where this machine has them', async () => {
  const { commits } = await sandbox.repository('node-service', ['first']);
  const { url } = await sandbox.create('--sha', commits[0]!);
  for (const host of ['127.0.0.1', ...(hasSix ? ['::1'] : [])]) {
    expect((await get(url, { host })).status).toBe(200);
  }
}, 120_000);
