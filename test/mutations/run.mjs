/**
 * `node test/mutations/run.mjs`, or with words of which a check's description has one. Not a part of `npm test`: it takes half an hour. Each
 * check is taken out of a copy of this commit, and the tests that are to miss it run there. One that none misses is a failure.
 */
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';

import { MUTATIONS } from './list.ts';

const root = path.resolve(import.meta.dirname, '..', '..');
const git = (...args) => promisify(execFile)('git', args, { cwd: root });
/** A mutant may wait for what never comes. */
const LONGEST_MS = 300_000;

const words = process.argv.slice(2);
const wanted = MUTATIONS.filter(({ check }) => words.length === 0 || words.some((word) => check.includes(word)));
const folder = await mkdtemp(path.join(tmpdir(), 'clusternator-mutations-'));
const copy = path.join(folder, 'copy');
let missed = 0;
try {
  await git('worktree', 'add', '--quiet', '--detach', copy, 'HEAD');
  await symlink(path.join(root, 'node_modules'), path.join(copy, 'node_modules'));
  console.log('| Invariant | The check that is taken out | In | The test that fails |\n| - | - | - | - |');
  for (const { invariant, check, file, find, replace, tests } of wanted) {
    const place = path.join(copy, file);
    const text = await readFile(place, 'utf8');
    await writeFile(
      place,
      text.replace(find, () => replace),
    );
    const failed = await firstFailure(tests);
    await writeFile(place, text);
    if (failed === undefined) missed += 1;
    console.log(`| ${invariant} | ${check} | \`${file}\` | ${failed ?? '**none**'} |`);
  }
} finally {
  await git('worktree', 'remove', '--force', copy).catch(() => {});
  await rm(folder, { recursive: true, force: true });
}
process.exitCode = missed > 0 ? 1 : 0;

/** One file after the other, until one fails. */
async function firstFailure(tests) {
  for (const test of tests) {
    const results = path.join(folder, 'results.json');
    await rm(results, { force: true });
    const ended = await jest(['--selectProjects', 'unit', '--json', '--outputFile', results, '--bail', '--', test]);
    if (ended === 0) continue;
    const [first] = await failuresIn(results);
    return `\`${path.basename(test, '.test.ts')}\`: ${first ?? 'it does not end'}`;
  }
  return undefined;
}

async function failuresIn(results) {
  const text = await readFile(results, 'utf8').catch(() => undefined);
  if (text === undefined) return [];
  const { testResults } = JSON.parse(text);
  return testResults.flatMap(({ assertionResults, message }) => {
    const failed = assertionResults.filter(({ status }) => status === 'failed').map(({ title }) => title);
    return failed.length > 0 ? failed : message ? ['it can not be loaded'] : [];
  });
}

/** In a group of its own, so that what a mutant started ends with it. */
function jest(args) {
  const program = path.join(root, 'node_modules', 'jest', 'bin', 'jest.js');
  const node = ['--experimental-vm-modules', '--no-warnings', program, '--runInBand', '--forceExit'];
  const child = spawn(process.execPath, [...node, ...args], { cwd: copy, stdio: 'ignore', detached: true });
  const timer = setTimeout(() => process.kill(-child.pid, 'SIGKILL'), LONGEST_MS);
  return new Promise((resolve) => {
    child.once('exit', (code) => {
      clearTimeout(timer);
      resolve(code);
    });
  });
}
