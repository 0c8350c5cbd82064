import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { runProgram, toolFolder } from './cli.ts';
import { Registry } from './provider-package.ts';
import { Sandbox } from './sandbox.ts';
import { runPage } from './tutorial.ts';

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await Sandbox.open();
});
afterEach(async () => sandbox.dispose());

const TUTORIAL = path.resolve(import.meta.dirname, '..', '..', '..', 'docs', 'guide', 'write-a-provider.md');

/** A person on this machine, whose npm finds our packages as they were packed and everything else where it always does. */
async function person(registry: Registry): Promise<NodeJS.ProcessEnv> {
  for (const file of await readdir(toolFolder()))
    if (/^clusternator-(core|conformance)-.*\.tgz$/.test(file)) await registry.publish(path.join(toolFolder(), file));
  const settings = path.join(sandbox.folder, 'npmrc');
  const own = await readFile(path.join(homedir(), '.npmrc'), 'utf8').catch(() => '');
  const { stdout } = await runProgram('npm', ['config', 'get', 'cache'], { cwd: sandbox.folder, env: process.env });
  await writeFile(settings, `${own}\ncache=${stdout.trim()}\n@clusternator:registry=${registry.url}\n`);
  const temporary = path.join(sandbox.folder, 'tmp');
  await mkdir(temporary);
  // How npm gets at packages from here; nothing of the run that this is a part of.
  const machine = Object.entries(process.env).filter(
    ([name]) => !/^(NODE_OPTIONS|NODE_ENV|JEST_|npm_(?!config_))/.test(name),
  );
  return {
    ...Object.fromEntries(machine),
    ...sandbox.env,
    PATH: [path.join(toolFolder(), 'node_modules', '.bin'), process.env.PATH].join(path.delimiter),
    TMPDIR: temporary,
    npm_config_userconfig: settings,
    GIT_AUTHOR_NAME: 'Ann Author',
    GIT_AUTHOR_EMAIL: 'ann@example.com',
    GIT_COMMITTER_NAME: 'Ann Author',
    GIT_COMMITTER_EMAIL: 'ann@example.com',
  };
}

test('a stranger makes a provider, proves it, installs it, and deploys with it: each block of the tutorial', async () => {
  await using registry = await Registry.open();
  expect(await runPage(TUTORIAL, sandbox.folder, await person(registry))).toEqual([]);
  const report = path.join(sandbox.folder, 'work', 'clusternator-provider-fly', 'conformance.json');
  expect(JSON.parse(await readFile(report, 'utf8'))).toMatchObject({
    passed: true,
    totals: { failed: 0, 'not-run': 0 },
  });
  const left = await readdir(path.join(sandbox.folder, 'tmp'));
  expect(left.filter((name) => name !== 'node-compile-cache')).toEqual([]); // neither the kit nor the cloud left anything
}, 900_000);

test('what is not asked for is left out, and a folder with something in it is left alone', async () => {
  const folder = path.join(sandbox.folder, 'one');
  const created = await sandbox.json(['provider', 'create', 'my-one', '--with', 'dns', '--dir', folder]);
  expect([created.outcome.code, created.error]).toEqual([0, undefined]);
  expect(await readdir(path.join(folder, 'src'))).not.toContain('slots.ts');
  const again = await sandbox.json(['provider', 'create', 'my-one', '--dir', folder]);
  expect([again.outcome.code, again.error?.code]).toEqual([7, 'already-exists']);
}, 60_000);
