import { randomBytes } from 'node:crypto';
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';

import { MIB, SandboxOnDisk } from './disk-of-its-own.ts';

const DATA = 160 * MIB;

test.each(['xfs', 'btrfs'] as const)(
  'on %s snapshots, clones and restores share their blocks with what they are of, until one is written to',
  async (kind) => {
    // There is no room for a second copy.
    await using disk = await SandboxOnDisk.open(kind, 400);
    const run = <T>(...words: string[]): Promise<T> => disk.sandbox.answer(...words);
    const { volume, folder } = await disk.deployVolume();
    const content = randomBytes(DATA);
    writeFileSync(path.join(folder, 'large'), content);

    const before = await disk.free();
    await run('storage', 'snapshot', volume, '--name', 'first');
    await run('storage', 'clone', volume, '--as', 'cloned');
    await run('storage', 'restore', 'first', '--as', 'restored');
    expect(before - (await disk.free())).toBeLessThan(DATA / 4);

    const root = path.dirname(path.dirname(folder));
    const copies = readdirSync(root)
      .map((name) => path.join(root, name, 'data', 'large'))
      .filter((file) => file !== path.join(folder, 'large'));
    expect(copies).toHaveLength(2);
    for (const copy of copies) appendFileSync(copy, 'written to');
    expect(readFileSync(path.join(folder, 'large')).equals(content)).toBe(true);
    for (const copy of copies) expect(readFileSync(copy).subarray(0, DATA).equals(content)).toBe(true);
    const { verified } = await run<{ verified: readonly { isGood: boolean }[] }>('backup', 'verify', 'first');
    expect(verified).toEqual([expect.objectContaining({ isGood: true })]);
  },
  240_000,
);
