import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// The bundle that `npm run build` makes, run as people run it.
const bin = join(import.meta.dirname, '..', 'bin', 'run.js');
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clusternator-bin-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(
  args: readonly string[],
  more: { node?: readonly string[]; env?: Record<string, string>; hangUpAfterBytes?: number } = {},
): Promise<Outcome> {
  const child = spawn(process.execPath, [...(more.node ?? []), bin, ...args], {
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      CLUSTERNATOR_STATE_HOME: join(folder, 'state'),
      XDG_DATA_HOME: join(folder, 'data'),
      XDG_CACHE_HOME: join(folder, 'cache'),
      ...more.env,
    },
  });
  const text = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => {
    text.stdout += chunk.toString();
    if (more.hangUpAfterBytes !== undefined && text.stdout.length > more.hangUpAfterBytes) child.stdout.destroy();
  });
  child.stderr.on('data', (chunk: Buffer) => (text.stderr += chunk.toString()));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { code, ...text };
}

test('--version tells the version of the package, the platform and Node.js', async () => {
  const { version } = JSON.parse(await readFile(join(import.meta.dirname, '..', 'package.json'), 'utf8'));
  const { code, stdout } = await run(['--version']);
  expect([code, stdout]).toEqual([
    0,
    `clusternator/${version} ${process.platform}-${process.arch} node-${process.version}\n`,
  ]);
});

test('an old Node.js is told what is wanted, and how to get it', async () => {
  const older = 'data:text/javascript,Object.defineProperty(process.versions,"node",{value:"20.1.0"})';
  const { code, stdout, stderr } = await run(['env', 'list'], { node: ['--import', older] });
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(/needs Node\.js 24 or newer/);
  expect(stderr).toMatch(/nvm install 24/);
});

describe('an unknown command', () => {
  test('is wrong usage, and the nearest one is told', async () => {
    const { code, stdout, stderr } = await run(['env', 'lst']);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain('clusternator env list');
  });

  test('is a document for programs', async () => {
    const { code, stdout } = await run(['env', 'lst', '--json']);
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, data: null, error: { code: 'invalid' } });
  });
});

test('a reader that has seen enough is no error', async () => {
  const { code, stderr } = await run(['config', 'schema'], { hangUpAfterBytes: 10 });
  expect([code, stderr]).toEqual([0, '']);
});

test('NODE_ENV=development changes nothing', async () => {
  const { code, stdout, stderr } = await run(['provider', 'list', '--json'], { env: { NODE_ENV: 'development' } });
  expect([code, stderr]).toEqual([0, '']);
  expect(JSON.parse(stdout)).toMatchObject({ ok: true, data: { providers: [{ id: 'local', compatible: true }] } });
});

describe('broken plugins of others', () => {
  beforeAll(async () => {
    const plugin = join(folder, 'broken');
    await mkdir(join(plugin, 'commands'), { recursive: true });
    await writeFile(join(plugin, 'commands', 'boom.js'), 'console.log("was run"); process.exit(42);');
    await writeFile(join(plugin, 'hook.js'), 'console.log("was run"); process.exit(42);');
    const manifest = {
      name: 'clusternator-provider-broken',
      version: '1.0.0',
      type: 'module',
      oclif: { commands: './commands', hooks: { init: './hook.js', prerun: './hook.js', doctor: './hook.js' } },
      clusternator: { provider: { id: 'broken', entry: './none.js', sdk: '^99.0.0' } },
    };
    await writeFile(join(plugin, 'package.json'), JSON.stringify(manifest));
    const plugins = [
      { name: manifest.name, type: 'link', root: plugin },
      { name: 'gone', type: 'user' },
    ];
    await mkdir(join(folder, 'data', 'clusternator'), { recursive: true });
    await writeFile(join(folder, 'data', 'clusternator', 'package.json'), JSON.stringify({ oclif: { plugins } }));
  });

  test.each([['provider list'], ['config schema'], ['doctor'], ['daemon status']])(
    '%s runs none of their code',
    async (line) => {
      const { code, stdout } = await run([...line.split(' '), '--json']);
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ ok: true });
    },
  );

  test('the provider is listed as one that does not fit, and the missing plugin as broken', async () => {
    const { stdout } = await run(['provider', 'list', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({
      data: { providers: [{ id: 'local' }, { id: 'broken', compatible: false }], broken: [{ name: 'gone' }] },
    });
  });
});

describe('doctor asks only those providers that may run here', () => {
  const asked = async (): Promise<{ readonly hasRun: boolean; readonly checks: unknown }> => {
    const { stdout } = await run(['doctor', '--json']);
    const hasRun = await rm(join(folder, 'ran')).then(
      () => true,
      () => false,
    );
    return { hasRun, checks: (JSON.parse(stdout) as { data: { checks: unknown } }).data.checks };
  };
  const config = (text: string): Promise<void> =>
    writeFile(join(folder, 'clusternator.config.yaml'), `project: shop\nsites: { web: { dir: . } }\n${text}`);

  beforeAll(async () => {
    const root = join(folder, 'curious');
    await mkdir(root, { recursive: true });
    const leaves = `import { writeFileSync } from 'node:fs';\nwriteFileSync(${JSON.stringify(join(folder, 'ran'))}, '');\n`;
    await writeFile(join(root, 'hook.js'), `${leaves}export default () => [];`);
    const manifest = {
      ...{ name: 'clusternator-provider-curious', version: '1.0.0', type: 'module' },
      oclif: { hooks: { doctor: './hook.js' } },
      clusternator: { provider: { id: 'curious', entry: './none.js', sdk: '*' } },
    };
    await writeFile(join(root, 'package.json'), JSON.stringify(manifest));
    const plugins = [{ name: manifest.name, type: 'link', root }];
    await mkdir(join(folder, 'data', 'clusternator'), { recursive: true });
    await writeFile(join(folder, 'data', 'clusternator', 'package.json'), JSON.stringify({ oclif: { plugins } }));
  });
  afterAll(() => rm(join(folder, 'clusternator.config.yaml')));

  test('without a word on it, each one', async () => {
    expect((await asked()).hasRun).toBe(true);
    await config('providers: { allow: [local, curious] }\n');
    expect((await asked()).hasRun).toBe(true);
  });

  test('not one that providers.allow leaves out', async () => {
    await config('providers: { allow: [local] }\n');
    expect(await asked()).toMatchObject({
      hasRun: false,
      checks: expect.arrayContaining([
        expect.objectContaining({ message: expect.stringContaining('curious was not') }),
      ]),
    });
  });

  test('not one that is not what the config pins', async () => {
    await config(`providers: { integrity: { curious: 'sha512-${'A'.repeat(86)}==' } }\n`);
    expect(await asked()).toMatchObject({
      hasRun: false,
      checks: expect.arrayContaining([expect.objectContaining({ name: 'plugin', state: 'fail' })]),
    });
  });

  test('no stranger where the config can not be read', async () => {
    await config('providers: { allow: [local\n');
    expect((await asked()).hasRun).toBe(false);
  });
});
