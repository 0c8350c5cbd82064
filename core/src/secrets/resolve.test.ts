import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { resolveSecrets } from './resolve.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'secrets-'));
});
afterEach(() => rm(folder, { recursive: true }));

const { signal } = new AbortController();
const node = (script: string) => ({ command: [process.execPath, '-e', script], env: {}, folder, signal });

test('the environment comes before the file, and the file before the command', async () => {
  await writeFile(join(folder, 'secrets.env'), 'A=file\nB="file b"\n');
  const sources = {
    ...node('console.log("A=command\\nB=command\\nC=command")'),
    file: 'secrets.env',
    env: { A: 'env' },
  };
  expect(Object.fromEntries(await resolveSecrets(['A', 'B', 'C'], sources))).toEqual({
    A: 'env',
    B: 'file b',
    C: 'command',
  });
});

test('a command that is not needed does not run', async () => {
  const sources = { ...node('process.exit(1)'), env: { A: 'env' } };
  expect([...(await resolveSecrets(['A'], sources))]).toEqual([['A', 'env']]);
});

test('a command may print JSON', async () => {
  const found = await resolveSecrets(['A'], node('console.log(JSON.stringify({ A: "line 1\\nline 2", n: 5 }))'));
  expect(found.get('A')).toBe('line 1\nline 2');
});

test('what has no value is named, with where it was looked for', async () => {
  const sources = { env: { A: 'x' }, file: 'not-here.env', folder, signal };
  await expect(resolveSecrets(['A', 'STRIPE_KEY'], sources)).rejects.toMatchObject({
    code: 'invalid',
    message: 'no value for the secret STRIPE_KEY: looked in the environment, not-here.env',
    detail: { path: 'secrets.STRIPE_KEY' },
  });
  await expect(resolveSecrets(['constructor'], { env: {}, folder, signal })).rejects.toMatchObject({ code: 'invalid' });
});

test('a command that fails is told without what it printed', async () => {
  const failing = resolveSecrets(['A'], node('console.log("A=hunter2"); console.error("hunter2"); process.exit(3)'));
  const error: unknown = await failing.catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'invalid', message: expect.stringContaining('ended with 3') as string });
  expect(JSON.stringify(error) + String(error)).not.toContain('hunter2');
  await expect(
    resolveSecrets(['A'], { command: ['not-a-program-here'], env: {}, folder, signal }),
  ).rejects.toMatchObject({ code: 'invalid', message: expect.stringContaining('ENOENT') as string });
});

test('an abort ends the command', async () => {
  const controller = new AbortController();
  const waiting = resolveSecrets(['A'], { ...node('setInterval(() => {}, 1000)'), signal: controller.signal });
  controller.abort();
  await expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
});
