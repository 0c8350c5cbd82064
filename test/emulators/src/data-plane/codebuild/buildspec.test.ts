import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { parseBuildspec, scriptOf } from './buildspec.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'buildspec-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** @returns What was said without what is told of each command, and where it ended. */
function run(phases: object) {
  const mark = path.join(folder, "it's here");
  const script = scriptOf(parseBuildspec(JSON.stringify({ version: '0.2', phases })), mark);
  const { stdout, status } = spawnSync('sh', ['-c', script], { cwd: folder, encoding: 'utf8' });
  const lines = stdout.split('\n').filter((line) => line !== '' && !line.startsWith('[Container]'));
  return { lines, status, at: readFileSync(mark, 'utf8').split('\n') };
}

test('commands run in one shell, phase by phase, up to the first that fails', () => {
  const phases = {
    build: { commands: ['echo "$WHO"', "sh -c 'exit 3' && echo not", 'echo never'] },
    pre_build: { commands: ["WHO='you & me'", 'false || echo so'] },
    post_build: { commands: ['echo never'] },
  };
  expect(run(phases)).toEqual({
    lines: ['so', 'you & me'],
    status: 3,
    at: ['BUILD', "sh -c 'exit 3' && echo not"],
  });
});

test('a phase that there is not is refused', () => {
  expect(() => parseBuildspec('{"phases":{"biuld":{"commands":[]}}}')).toThrow(/no phase biuld/);
});
