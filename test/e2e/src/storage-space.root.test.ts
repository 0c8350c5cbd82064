import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { MIB, SandboxOnDisk } from './disk-of-its-own.ts';
import type { Sandbox } from './sandbox.ts';

/** Many small files take long enough to copy for the disk to become full meanwhile. */
const FILES = 16_000;
const FILE_BYTES = 8 * 1024;
/** What the check before a copy wants besides. */
const SPARE = 32 * MIB;
/** Less than a copy still needs by the time that it is seen. */
const LEFT = 24 * MIB;

let disk: SandboxOnDisk;
let sandbox: Sandbox;
let volume: string;
let folder: string;
beforeEach(async () => {
  disk = await SandboxOnDisk.open('tmpfs', 600);
  ({ sandbox } = disk);
  ({ volume, folder } = await disk.deployVolume());
  mkdirSync(path.join(folder, 'files'));
  for (let file = 0; file < FILES; file++)
    writeFileSync(path.join(folder, 'files', String(file)), Buffer.alloc(FILE_BYTES, file % 251));
  await run('storage', 'snapshot', volume, '--name', 'older');
}, 120_000);
afterEach(async () => disk[Symbol.asyncDispose]());

const run = <T>(...words: string[]): Promise<T> => sandbox.answer(...words);

/** All that is in the volume, as one word. */
function picture(): string {
  const hash = createHash('sha256');
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  for (const { parentPath, name } of entries.toSorted((a, b) => a.name.localeCompare(b.name)))
    hash.update(name).update(readFileSync(path.join(parentPath, name)));
  return `${String(entries.length)} ${hash.digest('hex')}`;
}

async function expectIntact(before: string): Promise<void> {
  expect(picture()).toBe(before);
  const { verified } = await run<{ verified: readonly { isGood: boolean }[] }>('backup', 'verify', 'older');
  expect(verified).toEqual([expect.objectContaining({ isGood: true })]);
  const { volumes } = await run<{ volumes: readonly { id: string; state: string }[] }>('storage', 'list');
  expect(volumes.map(({ id, state }) => [id, state])).toEqual([[volume, 'ready']]);
  const { snapshots } = await run<{ snapshots: readonly { id: string }[] }>('storage', 'snapshots', volume);
  expect(snapshots.map(({ id }) => id)).toEqual(['older']);
  expect(readdirSync(path.join(sandbox.stateHome, 'local', 'volumes'))).toHaveLength(1);
  expect(readdirSync(path.join(sandbox.stateHome, 'local', 'snapshots'))).toHaveLength(1);
}

const works: Readonly<Record<string, () => readonly string[]>> = {
  snapshot: () => ['storage', 'snapshot', volume, '--name', 'next'],
  clone: () => ['storage', 'clone', volume, '--as', 'next'],
  restore: () => ['storage', 'restore', 'older', '--as', 'next'],
};

test.each(Object.keys(works))(
  'a %s that the disk has no room for is refused before it begins; one that finds it full midway leaves nothing',
  async (what) => {
    const words = works[what]?.() ?? [];
    const before = picture();
    disk.fill(FILES * FILE_BYTES);
    const refused = await sandbox.json(words);
    expect({ exit: refused.outcome.code, error: refused.error }).toEqual({
      exit: 11,
      error: expect.objectContaining({ code: 'quota', message: expect.stringMatching(/takes .* has .* left/) }),
    });
    await disk.makeRoom();
    await expectIntact(before);

    disk.fill(FILES * FILE_BYTES + SPARE + 8 * MIB);
    const working = sandbox.json(words);
    expect(await disk.fillMidway(working, LEFT)).toBe(true);
    const { outcome, error } = await working;
    expect({ exit: outcome.code, error }).toEqual({
      exit: 11,
      error: expect.objectContaining({ code: 'quota', message: expect.stringMatching(/full|no space/i) }),
    });
    expect(await disk.free()).toBeGreaterThan(LEFT); // what was half made is gone
    await disk.makeRoom();
    await expectIntact(before);

    await run(...words);
    expect(picture()).toBe(before);
  },
  240_000,
);
