import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { withSourceArchive } from './source-archive.ts';

let top: string;
beforeAll(() => {
  top = mkdtempSync(path.join(tmpdir(), 'archive-'));
});
afterAll(() => rmSync(top, { recursive: true }));

/** In this order, with modes as a umask leaves them. */
function tree(name: string, files: readonly string[], mode: number, changes: Readonly<Record<string, string>> = {}) {
  const folder = path.join(top, name);
  for (const file of files) {
    const at = path.join(folder, file);
    mkdirSync(path.dirname(at), { recursive: true });
    writeFileSync(at, changes[file] ?? file);
    chmodSync(at, file === 'run' ? mode | 0o100 : mode);
    utimesSync(at, files.indexOf(file), files.indexOf(file));
  }
  symlinkSync('b/deep', path.join(folder, 'link'));
  return folder;
}
const digest = (folder: string): Promise<string> =>
  withSourceArchive(folder, new AbortController().signal, ({ sha256 }) => Promise.resolve(sha256));

test('the same files give the same archive, whenever and by whomever they were written', async () => {
  const [one, other] = [tree('one', ['a', 'b/deep', 'run'], 0o600), tree('other', ['run', 'b/deep', 'a'], 0o644)];
  expect(await digest(one)).toBe(await digest(other));
});

test('another content and another mode give another', async () => {
  const all = [
    tree('first', ['a', 'run'], 0o644),
    tree('second', ['a', 'run'], 0o644, { a: 'b' }),
    tree('third', ['a', 'run'], 0o755),
  ];
  expect(new Set(await Promise.all(all.map(digest))).size).toBe(3);
});
