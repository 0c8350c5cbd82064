import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnvFile } from './env-file.ts';
import { redact, redactor } from './redact.ts';
import { resolveSecrets } from './resolve.ts';
import type { SecretSources } from './resolve.ts';

let folder: string;
let sources: SecretSources;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'clusternator secrets '));
  sources = { env: { PATH: process.env.PATH }, folder, signal: new AbortController().signal };
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

test('values come from this run, the environment, a file, a command: in that order', async () => {
  writeFileSync(join(folder, '.secrets.env'), '# comment\nexport A=file\nB="file b"\nC=file\nD=file\n');
  writeFileSync(join(folder, 'vault'), '#!/bin/sh\necho "A=command"; echo "E=command $1"\n', { mode: 0o755 });
  const found = await resolveSecrets(['A', 'B', 'C', 'E'], {
    ...sources,
    values: { A: 'run' },
    env: { ...sources.env, A: 'env', B: 'env' },
    file: '.secrets.env',
    command: ['./vault', '$(touch x)'],
  });
  expect(Object.fromEntries(found)).toEqual({ A: 'run', B: 'env', C: 'file', E: 'command $(touch x)' });
});

test('a command may print JSON, and runs only when it is needed', async () => {
  writeFileSync(join(folder, 'all.json'), JSON.stringify({ A: 'a\nb', N: 7, T: true }));
  writeFileSync(join(folder, 'vault'), '#!/bin/sh\ntouch ran\ncat all.json\n', { mode: 0o755 });
  const command = ['./vault'];
  const found = await resolveSecrets(['A', 'N', 'T'], { ...sources, command });
  expect([...found.values()]).toEqual(['a\nb', '7', 'true']);
  rmSync(join(folder, 'ran'));
  await resolveSecrets(['A'], { ...sources, values: { A: '' }, command });
  expect(() => rmSync(join(folder, 'ran'))).toThrow();
});

test('what has no value is named, with where it was looked for, and without any value', async () => {
  writeFileSync(join(folder, 'x.env'), 'TOKEN=hush-hush\n');
  const failed = resolveSecrets(['TOKEN', 'STRIPE_KEY', 'constructor'], {
    ...sources,
    file: 'x.env',
    command: ['true'],
  });
  await expect(failed).rejects.toMatchObject({
    code: 'invalid',
    message:
      'secrets STRIPE_KEY, constructor have no value in the environment, nor in x.env, nor in the output of true',
    detail: { path: 'secrets.STRIPE_KEY', hint: expect.stringContaining('STRIPE_KEY=…') },
  });
  expect(JSON.stringify(await failed.catch((error: unknown) => error))).not.toContain('hush');
  await expect(resolveSecrets(['X'], sources)).rejects.toThrow('secret X has no value in the environment');
});

test.each([
  [['no-such-program'], /could not run no-such-program for secrets: there is no such program/],
  [['sh', '-c', 'echo "A=hush"; echo locked >&2; exit 3'], /sh, which has the secrets, ended with code 3:\n {2}locked/],
  [['echo', '{"A": "hush"'], /echo printed JSON that is no object/],
  [['echo', '{"A": ["hush"]}'], /echo printed JSON that is no object/],
])('a command that fails is told, but not what it printed: %j', async (command, message) => {
  const error: unknown = await resolveSecrets(['A'], { ...sources, command }).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'invalid', message: expect.stringMatching(message) });
  expect(String(error) + JSON.stringify(error)).not.toContain('hush');
});

test('a file that is not there is told, and an abort ends the command', async () => {
  await expect(resolveSecrets(['A'], { ...sources, file: 'none.env' })).rejects.toThrow(
    /could not read variables from .*none\.env/,
  );
  const controller = new AbortController();
  const waiting = resolveSecrets(['A'], { ...sources, signal: controller.signal, command: ['sleep', '600'] });
  controller.abort();
  await expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
});

test('a dotenv file is read as others read it', () => {
  expect(parseEnvFile('\uFEFFA=1\r\nB = two # comment\nC="x#y\nz"\n__proto__=1\n')).toMatchObject({
    A: '1',
    B: 'two',
    C: 'x#y\nz',
  });
});

test('values are hidden in text: each line of them, the longest first, and whatever they are made of', () => {
  expect(redact('token abcd1234 and abcd', ['abcd', 'abcd1234'])).toBe('token [secret] and [secret]');
  expect(redact('-----BEGIN KEY-----', ['-----BEGIN KEY-----\nMIIE\n'])).toBe('[secret]');
  expect(redact('a $& .* b', ['$& .*'])).toBe('a [secret] b');
  const hide = redactor(['', ' ', 'on', 'true']);
  expect(hide('on and on, true')).toBe('on and on, [secret]');
});
