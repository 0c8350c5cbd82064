import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { answerOf, runProgram, toolFolder, type Answer, type Outcome } from './cli.ts';
import { eventually, get } from './http.ts';
import { Sandbox } from './sandbox.ts';

const NEWER = '99.0.0';

let sandbox: Sandbox;
let newer: string;
beforeEach(async () => {
  sandbox = await Sandbox.open();
  newer = path.join(sandbox.folder, 'newer');
  await installNewer(newer);
});
afterEach(async () => sandbox.dispose());

/** The tool as it may be one day: of another version, whose commands and daemon speak another protocol. */
async function installNewer(folder: string): Promise<void> {
  await cp(toolFolder(), folder, { recursive: true, verbatimSymlinks: true });
  const provider = path.join(folder, 'node_modules', '@clusternator', 'provider-local');
  const manifest = path.join(provider, 'package.json');
  await writeFile(manifest, JSON.stringify({ ...JSON.parse(await readFile(manifest, 'utf8')), version: NEWER }));
  let changed = 0;
  for (const name of await readdir(path.join(provider, 'dist'), { recursive: true })) {
    if (!/\.c?js$/.test(name)) continue;
    const file = path.join(provider, 'dist', name);
    const text = await readFile(file, 'utf8');
    const next = text.replace(/\bPROTOCOL\s*=\s*(\d+)\b/g, (_, number) => `PROTOCOL = ${Number(number) + 1}`);
    if (next === text) continue;
    changed += 1;
    await rm(file); // a hard link may lead to the tool of the other tests
    await writeFile(file, next);
  }
  expect(changed).toBeGreaterThanOrEqual(2); // the daemon's, and the bundle of the commands
}

async function withNewer<T>(args: readonly string[]): Promise<Answer<T> & { readonly outcome: Outcome }> {
  const bin = path.join(newer, 'node_modules', '.bin', 'clusternator');
  const outcome = await runProgram(bin, [...args, '--json'], { cwd: sandbox.cwd, env: sandbox.env });
  return { ...answerOf<T>(outcome), outcome };
}

test('a newer command brings its own daemon, an older one is told, and the environments go on', async () => {
  await sandbox.repository('node-service', ['first']);
  const { id, url } = await sandbox.create();
  const before = await sandbox.json<{ pid: number; version: string }>(['daemon', 'status']);

  const shown = await withNewer<{ environment: { phase: string } }>(['env', 'show', id]);
  expect({ exit: shown.outcome.code, error: shown.error }).toEqual({ exit: 0, error: undefined });
  expect(shown.data.environment.phase).toBe('ready');
  const after = await withNewer<{ pid: number; version: string }>(['daemon', 'status']);
  expect(after.data.version).toBe(NEWER);
  expect(after.data.pid).not.toBe(before.data.pid);
  await eventually(async () => expect((await get(url)).status).toBe(200)); // at the same address
  const { pid } = JSON.parse((await get(url)).body) as { pid: number };

  for (const args of [
    ['env', 'show', id],
    ['env', 'create'],
    ['env', 'destroy', id, '--yes'],
  ]) {
    const { outcome, error } = await sandbox.json(args);
    expect({ args, exit: outcome.code }).toEqual({ args, exit: 7 });
    expect(error?.message).toContain(`newer version (${NEWER})`);
    expect(error?.hint).toMatch(/update clusternator/);
  }
  // Nobody took its daemon away, nor the process that it looks after.
  expect((await withNewer<{ pid: number }>(['daemon', 'status'])).data.pid).toBe(after.data.pid);
  expect((JSON.parse((await get(url)).body) as { pid: number }).pid).toBe(pid);
  // What needs no daemon still works.
  expect((await sandbox.environments()).map((one) => one.id)).toEqual([id]);

  const destroyed = await withNewer(['env', 'destroy', id, '--yes']);
  expect({ exit: destroyed.outcome.code, error: destroyed.error }).toEqual({ exit: 0, error: undefined });
  await withNewer(['daemon', 'stop']);
  await sandbox.expectNothingIsLeft();
}, 180_000);
