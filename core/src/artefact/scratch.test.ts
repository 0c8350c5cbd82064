import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { removeFolder } from './files.ts';
import { openScratch, sweepScratch } from './scratch.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'clusternator-scratch-'));
});
afterEach(() => removeFolder(root));

test('a scratch folder goes after use, also with folders in it that were made read-only', async () => {
  {
    await using scratch = await openScratch(root);
    mkdirSync(join(scratch.folder, 'deep/er'), { recursive: true });
    writeFileSync(join(scratch.folder, 'deep/er/file'), 'x');
    chmodSync(join(scratch.folder, 'deep/er'), 0o555);
    expect(readdirSync(root)).toHaveLength(1);
    expect(await sweepScratch(root)).toBe(0); // Its process is alive.
  }
  expect(readdirSync(root)).toEqual([]);
});

test('what a killed process left is removed, and what it had started there is ended', async () => {
  const module = join(dirname(fileURLToPath(import.meta.url)), 'scratch.ts');
  const program = `
    import { spawn } from 'node:child_process';
    import { openScratch, SCRATCH_VARIABLE } from ${JSON.stringify(module)};
    const { folder } = await openScratch(${JSON.stringify(root)});
    const sleeper = spawn('sleep', ['600'], { env: { ...process.env, [SCRATCH_VARIABLE]: folder }, detached: true, stdio: 'ignore' });
    console.log(sleeper.pid);
    setInterval(() => undefined, 1000);`;
  const args = ['--experimental-transform-types', '--no-warnings', '--input-type=module-typescript', '-e', program];
  const owner = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(owner.stdout, 'data')) as [Buffer]; // The stream is not decoded.
  const sleeper = Number(line.toString());
  owner.kill('SIGKILL');
  await once(owner, 'close');
  expect(readdirSync(root)).toHaveLength(1);

  expect(await sweepScratch(root)).toBe(1);
  expect(readdirSync(root)).toEqual([]);
  await gone(sleeper);
});

test("what can't be told from here goes after a day", async () => {
  const foreign = join(root, 'ffffffff-ffffffff-1-1-abc');
  mkdirSync(foreign);
  expect(await sweepScratch(root)).toBe(0);
  expect(await sweepScratch(root, new Date(Date.now() + 25 * 3_600_000))).toBe(1);
  expect(existsSync(foreign)).toBe(false);
  writeFileSync(join(root, 'half'), 'of a file');
  utimesSync(join(root, 'half'), 0, 0);
  expect(await sweepScratch(root)).toBe(1);
});

async function gone(pid: number): Promise<void> {
  const until = performance.now() + 10_000;
  while (existsSync(`/proc/${pid}/exe`)) {
    if (performance.now() > until) throw new Error(`process ${pid} goes on`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
