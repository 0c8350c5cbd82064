import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import { get, Scene, until } from './testing/environments.ts';

let scene: Scene;
beforeEach(() => {
  scene = new Scene();
});
afterEach(() => scene[Symbol.asyncDispose]());

const script = `
  const { default: Command } = await import(process.argv[1]);
  const { Config } = await import('@oclif/core');
  const config = await Config.load(process.argv[2]);
  await Command.run(process.argv.slice(3), config).catch((error) => { console.error(error.message); process.exitCode = 1; });
`;

/** As the bin would run it: another process. */
async function run(command: string, ...args: readonly string[]): Promise<string> {
  const file = fileURLToPath(new URL(`commands/daemon/${command}.ts`, import.meta.url));
  const root = fileURLToPath(new URL('..', import.meta.url));
  const flags = [
    '--experimental-transform-types',
    '--disable-warning=ExperimentalWarning',
    '--input-type=module',
    '-e',
    script,
  ];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, file, root, ...args], {
    env: scene.daemon.env,
    cwd: root,
  });
  return stdout;
}

test('status, logs and stop: what runs comes back with the next command', async () => {
  expect(JSON.parse(await run('status', '--json'))).toEqual({ ok: true, data: { running: false }, warnings: [] });
  expect(await run('stop')).toBe('No daemon runs.\n');

  const spec = scene.specs.environment('aaaaaaaa0000-1', { web: scene.specs.web() });
  const environment = await scene.ensure(spec);
  expect(JSON.parse(await run('status', '--json'))).toMatchObject({
    ok: true,
    data: { running: true, environments: 1, processes: 1, stateFolder: scene.daemon.stateFolder },
  });
  expect(await run('status')).toMatch(/^running {7}pid \d+/);
  expect(await run('logs', '--lines', '20')).toContain('ready at');

  expect(await run('stop')).toMatch(
    /1 processes of 1 environments end until the next command; containers go on\.\nStopped\.\n$/,
  );
  expect(await scene.daemon.pid()).toBeUndefined();
  await expect(get(environment)).rejects.toThrow('ECONNREFUSED');
  await scene.read(spec);
  await until(
    () => get(environment).catch(() => undefined),
    (answer) => answer?.status === 200,
  );
});
