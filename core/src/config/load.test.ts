import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { loadConfig } from './load.ts';
import { problemsOf } from './problem.ts';

const SHOP = 'project: shop\nprovider: local\nservices:\n  api: { command: node a.js }\n';
let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'clusternator config ü '));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const write = async (name: string, text: string): Promise<string> => {
  await mkdir(dirname(join(root, name)), { recursive: true });
  await writeFile(join(root, name), text);
  return join(root, name);
};
const load = (options: Partial<Parameters<typeof loadConfig>[0]> = {}) => loadConfig({ root, env: {}, ...options });
const failure = async (options: Parameters<typeof load>[0] = {}) => {
  const error: unknown = await load(options).then(
    () => undefined,
    (cause: unknown) => cause,
  );
  expect(error).toMatchObject({ code: 'invalid' });
  return { message: (error as Error).message, problems: problemsOf(error) };
};

describe('places', () => {
  const json = JSON.stringify(parse(SHOP));
  test.each([
    ['clusternator.config.yaml', SHOP],
    ['clusternator.config.yml', SHOP],
    ['clusternator.config.json', json],
    ['.clusternatorrc', SHOP],
    ['.clusternatorrc', json],
    ['.clusternatorrc.yaml', SHOP],
    ['.clusternatorrc.json', `\uFEFF${json}`],
    ['package.json', `{"name": "x", "clusternator": ${json}}`],
  ])('%s', async (name, text) => {
    const file = await write(name, text);
    await expect(load()).resolves.toMatchObject({
      file,
      config: { project: 'shop' },
      fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  test('the same config in another form has the same fingerprint', async () => {
    const [yaml, other] = [await write('a.yaml', SHOP), await write('b.json', json)];
    expect((await load({ file: yaml })).fingerprint).toBe((await load({ file: other })).fingerprint);
  });

  test('a config of its own comes before package.json, and a folder of that name is none', async () => {
    await write('package.json', '{"clusternator": {"project": "other"}}');
    await mkdir(join(root, 'clusternator.config.ts'));
    const file = await write('clusternator.config.yaml', SHOP);
    await expect(load()).resolves.toMatchObject({ file });
  });

  test('none is told, with the command that writes one; folders above are not looked at', async () => {
    await write('clusternator.config.yaml', SHOP);
    await mkdir(join(root, 'below'));
    const { message, problems } = await failure({ root: join(root, 'below') });
    expect(message).toContain('there is no clusternator.config.yaml');
    expect(problems[0]?.hint).toContain('clusternator init');
    await write('below/package.json', '{"name": "x"}');
    expect((await failure({ root: join(root, 'below') })).message).toContain('there is no');
  });

  test('another file by name, also outside of the tree', async () => {
    const file = await write('elsewhere/config.yaml', SHOP);
    await mkdir(join(root, 'tree'));
    await expect(load({ root: join(root, 'tree'), file })).resolves.toMatchObject({ file });
    await expect(load({ root: join(root, 'tree'), file: '../elsewhere/config.yaml' })).resolves.toMatchObject({ file });
    expect((await failure({ file: 'missing.yaml' })).message).toBe('missing.yaml: there is no such file');
    await write('config.toml', 'project = "shop"');
    expect((await failure({ file: 'config.toml' })).message).toContain('(.toml)');
  });
});

describe('nothing outside of the tree is read', () => {
  test('a link that leads out is refused, and nothing of its target is told', async () => {
    const secret = await write('outside.yaml', 'password: [hunter2');
    await mkdir(join(root, 'tree'));
    await symlink(secret, join(root, 'tree/clusternator.config.yaml'));
    const { message } = await failure({ root: join(root, 'tree') });
    expect(message).toContain('leads out of the repository');
    expect(message).not.toContain('hunter2');
  });

  test('a link inside is followed, also where the tree itself is reached by a link', async () => {
    await write('tree/conf/shop.yaml', SHOP);
    await symlink('conf/shop.yaml', join(root, 'tree/clusternator.config.yaml'));
    await symlink('tree', join(root, 'link'));
    await expect(load({ root: join(root, 'link') })).resolves.toMatchObject({ config: { project: 'shop' } });
  });

  test('a link to nothing, a device and a file that is empty are told', async () => {
    await symlink('nowhere', join(root, 'clusternator.config.yaml'));
    expect((await failure()).message).toContain('link to nothing');
    await rm(join(root, 'clusternator.config.yaml'));
    await write('clusternator.config.yaml', '\n');
    expect((await failure()).message).toContain('is empty');
    await promisify(execFile)('mkfifo', [join(root, 'clusternator.config.ts')]);
    expect((await failure()).message).toContain('is not a file');
  });

  test('cosmiconfig reads no imports, and no settings of its own from the current folder', async () => {
    await write('outside.yaml', SHOP);
    await write('tree/clusternator.config.yaml', '$import: ../outside.yaml\n');
    expect((await failure({ root: join(root, 'tree') })).message).toContain('$import');
    await write('tree/clusternator.config.yaml', SHOP);
    await write(
      '.config/config.yaml',
      'clusternator: { project: other, provider: local, sites: { a: { dir: . } } }\nsearchPlaces: [outside.yaml]\n',
    );
    const before = process.cwd();
    process.chdir(root);
    try {
      await expect(load({ root: join(root, 'tree') })).resolves.toMatchObject({ config: { project: 'shop' } });
    } finally {
      process.chdir(before);
    }
  });
});

describe('mistakes in the file', () => {
  test.each([
    ['a: [', 1],
    ['a: 1\nb: 2\na: 3', 3],
    ['a: 1\n\tb: 2', 2],
    ['a: 1\nb: !!js/function "x"', 2],
    ['a: 1\n---\nb: 2', 2],
    ['a: 1\nb: *missing', 2],
  ])('YAML %j is told with its line', async (text, line) => {
    await write('clusternator.config.yaml', text);
    const { problems } = await failure();
    expect(problems[0]).toMatchObject({ line, column: expect.any(Number) });
  });

  test('JSON is read as JSON, and told with its line', async () => {
    await write('clusternator.config.json', '{\n  "project": "shop",\n}');
    const { problems } = await failure();
    expect(problems[0]).toMatchObject({ line: 3, message: expect.stringContaining('not valid JSON') });
    await write('clusternator.config.json', '{"project": "shop", "project": "other"}');
    expect((await failure()).message).toContain('unique');
  });

  test('what repeats itself without end is refused', async () => {
    const levels = Array.from(
      { length: 12 },
      (_, at) => `l${at + 1}: &l${at + 1} [${Array(9).fill(`*l${at}`).join(', ')}]`,
    );
    await write('clusternator.config.yaml', ['l0: &l0 [x]', ...levels].join('\n'));
    expect((await failure()).message).toContain('alias');
    await write('clusternator.config.yaml', 'services: &s\n  a: *s\n');
    await failure();
  });

  test('every problem has the line of its key, and the message names file, path and line', async () => {
    await write('clusternator.config.yaml', `${SHOP}  web:\n    command: node b.js\n    prot: 80\n    route: /\n`);
    const { message, problems } = await failure();
    expect(problems).toEqual([
      { path: 'services.web.prot', message: 'is not a known key', hint: 'did you mean "port"?', line: 7, column: 5 },
    ]);
    expect(message).toBe('clusternator.config.yaml: services.web.prot (line 7:5) is not a known key');
  });

  test.each(['- 1', 'text', '42'])('a file that holds %j is no config', async (text) => {
    await write('clusternator.config.yaml', text);
    expect((await failure()).message).toContain('must be a map');
  });

  test('merge keys work', async () => {
    await write('clusternator.config.yaml', `${SHOP.replace('api: {', 'api: &api {')}  b: { <<: *api, cpus: 2 }\n`);
    await expect(load()).resolves.toMatchObject({
      config: { services: { b: { command: ['node', 'a.js'], cpus: 2 } } },
    });
  });
});

describe('overrides', () => {
  const FULL = `${SHOP}sites:\n  web: { dir: dist }\ncache: [a, b]\n`;
  const set = async (...assignments: string[]) => (await load({ set: assignments })).config;
  beforeEach(() => write('clusternator.config.yaml', FULL));

  test('the environment, --set and --provider are laid over the file, in this order', async () => {
    const env = {
      CLUSTERNATOR_PROVIDER: 'aws',
      CLUSTERNATOR_STAGE: 'live',
      CLUSTERNATOR_DOMAIN: 'x.example.com',
      CLUSTERNATOR_PROJECT: 'other',
    };
    await expect(load({ env })).resolves.toMatchObject({
      config: { provider: { name: 'aws' }, stage: 'live', domain: 'x.example.com', project: 'other' },
    });
    await expect(load({ env, set: ['stage=test'], provider: 'fly' })).resolves.toMatchObject({
      config: { provider: { name: 'fly' }, stage: 'test' },
    });
    await expect(load({ env: { CLUSTERNATOR_STAGE: '' } })).resolves.toMatchObject({ config: { stage: 'default' } });
  });

  test('what a config says of its stage is laid over it below all that, and nothing of another stage', async () => {
    await write(
      'clusternator.config.yaml',
      `${FULL}
stages:
  live:
    provider: { region: eu-central-1, zones: 3 }
    domain: live.example.com
  test: { provider: fly }
`,
    );
    const providerAt = async (stage: string, set: string[] = []) =>
      (await load({ env: { CLUSTERNATOR_STAGE: stage }, set })).config.provider;
    expect(await providerAt('live')).toEqual({ name: 'local', config: { region: 'eu-central-1', zones: 3 } });
    expect(await providerAt('live', ['provider.zones=2'])).toMatchObject({ config: { zones: 2 } });
    expect(await providerAt('test')).toEqual({ name: 'fly', config: {} });
    expect(await providerAt('other')).toEqual({ name: 'local', config: {} });
    expect((await load({ set: ['stage=live'] })).config).toMatchObject({ stage: 'live', domain: 'live.example.com' });
    expect(Object.keys((await load()).config)).not.toContain('stages');
    await write('clusternator.config.yaml', `${FULL}\nstages: { live: { project: other } }\n`);
    expect((await failure()).message).toContain('stages.live');
  });

  test('the provider that the file names keeps its keys, another has none of them', async () => {
    await write(
      'clusternator.config.yaml',
      FULL.replace('provider: local', 'provider: { name: aws, region: eu-west-1 }'),
    );
    const provider = async (name: string) => (await load({ provider: name })).config.provider;
    expect(await provider('aws')).toEqual({ name: 'aws', config: { region: 'eu-west-1' } });
    expect(await provider('local')).toEqual({ name: 'local', config: {} });
  });

  test('--set takes YAML scalars and lists, and text that only looks like more', async () => {
    const config = await set(
      'services.api.env.LOG=debug',
      'services.api.env.URL=http://x: y',
      'services.api.cpus=2',
      'services.api.secrets=[A, B]',
      'services.api.env.EMPTY=""',
      'cache.1=c',
      'provider.region=eu',
    );
    expect(config.services.api).toMatchObject({
      env: { LOG: 'debug', URL: 'http://x: y', EMPTY: '' },
      cpus: 2,
      secrets: { A: { name: 'A' } },
    });
    expect(config.cache.folders).toEqual(['a', 'c']);
    expect(config.provider).toEqual({ name: 'local', config: { region: 'eu' } });
  });

  test('a path that the config does not have is told as in the file', async () => {
    const { problems } = await failure({ set: ['services.api.prot=80'] });
    expect(problems[0]).toMatchObject({ path: 'services.api.prot', hint: 'did you mean "port"?' });
    expect((await failure({ set: ['project.name=x'] })).problems[0]).toMatchObject({
      message: 'project is "shop", not a map',
    });
    expect((await failure({ set: ['cache.7=x'] })).problems[0]).toMatchObject({ path: 'cache.7' });
    for (const bad of ['', '=', 'x', '.=1', 'a..b=1']) {
      expect((await failure({ set: [bad] })).problems[0]?.message).toContain('<path>=<value>');
    }
  });

  test('no override reaches a prototype', async () => {
    for (const key of [
      '__proto__.polluted',
      'services.__proto__.polluted',
      'constructor.prototype.polluted',
      'services.api.env.__proto__',
    ]) {
      expect((await failure({ set: [`${key}=1`] })).problems[0]?.message).toContain('not a path');
    }
    await failure({ set: ['services.api.native={"__proto__": {"polluted": 1}}'] });
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});

/** Node's own import is what is judged, so these run in a Node of their own: Jest brings another. */
describe('TypeScript and JavaScript', () => {
  const loader = join(import.meta.dirname, 'load.ts');
  const run = async (script: string) => {
    const file = await write(
      'run.mts',
      `import { loadConfig } from ${JSON.stringify(loader)};\nconst root = ${JSON.stringify(join(root, 'tree'))};\n${script}`,
    );
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [
      '--experimental-transform-types',
      '--disable-warning=ExperimentalWarning',
      file,
    ]);
    expect(stderr).toBe('');
    return JSON.parse(stdout) as unknown;
  };
  const LOAD = `console.log(JSON.stringify(await loadConfig({ root, env: {} }).then((r) => r.config, (e) => ({ failed: e.message, code: e.code }))));`;
  const TS = `import { defineConfig } from '@clusternator/core';\nconst name: string = 'shop';\nexport default defineConfig({ project: name, provider: 'local', domain: undefined, services: { api: { command: 'node a.js' } } });\n`;

  test.each([
    ['clusternator.config.ts', TS],
    ['clusternator.config.mts', TS.replace('@clusternator/core', 'clusternator')],
    ['clusternator.config.js', TS.replace(': string', '')],
    ['clusternator.config.mjs', TS.replace(': string', '')],
    [
      'clusternator.config.js',
      `module.exports = { project: 'shop', provider: 'local', services: { api: { command: 'node a.js' } } };`,
    ],
  ])('%s in a checkout without node_modules', async (name, text) => {
    await write(`tree/${name}`, text);
    expect(await run(LOAD)).toMatchObject({ project: 'shop', services: { api: { command: ['node', 'a.js'] } } });
  });

  test('what a config imports from its own tree is of the same commit, at the same path and at another', async () => {
    await write(
      'tree/clusternator.config.ts',
      TS.replace(`const name: string = 'shop'`, `import { name } from './name.ts'`),
    );
    await write('tree/name.ts', `export const name: string = 'one';`);
    const script = `
      import { cp, writeFile } from 'node:fs/promises';
      const names = [];
      const look = async (root) => names.push((await loadConfig({ root, env: {} })).config.project);
      await look(root);
      await cp(root, root + '2', { recursive: true });
      await writeFile(root + '2/name.ts', "export const name = 'two';");
      await look(root + '2');
      await writeFile(root + '/name.ts', "export const name = 'three';");
      await look(root);
      await Promise.all([look(root), look(root + '2')]);
      console.log(JSON.stringify(names.slice(0, 3).concat(names.slice(3).sort())));`;
    expect(await run(script)).toEqual(['one', 'two', 'three', 'three', 'two']);
  });

  test('modules and CommonJS files go together', async () => {
    await write(
      'tree/clusternator.config.js',
      `import { site } from './site.js';\nexport default { project: 'shop', provider: 'local', sites: { site } };`,
    );
    await write('tree/site.js', `exports.site = { dir: require('./dir.js') };`);
    await write('tree/dir.js', `module.exports = 'dist';`);
    expect(await run(LOAD)).toMatchObject({ sites: { site: { dir: 'dist' } } });
  });

  test('a CommonJS file that changed is read anew', async () => {
    const text = (project: string) =>
      `module.exports = { project: '${project}', provider: 'local', sites: { a: { dir: '.' } } };`;
    await write('tree/clusternator.config.js', text('one'));
    const script = `
      import { writeFile } from 'node:fs/promises';
      const first = (await loadConfig({ root, env: {} })).config.project;
      await writeFile(root + '/clusternator.config.js', ${JSON.stringify(text('two'))});
      console.log(JSON.stringify([first, (await loadConfig({ root, env: {} })).config.project]));`;
    expect(await run(script)).toEqual(['one', 'two']);
  });

  test.each([
    ['throw new Error("boom");\nexport default {};', 'failed to run: boom'],
    ['export const config = {};', 'has no default export'],
    ['export default {', 'failed to run'],
    ['import "lodash";\nexport default {};', 'failed to run'],
    ['export default () => ({});', 'must be plain data'],
    ['export default { project: "shop", provider: "local", sites: { web: { dir: "..", } } };', 'sites.web.dir'],
  ])('%j is told', async (text, message) => {
    await write('tree/clusternator.config.ts', text);
    expect(await run(LOAD)).toEqual({ failed: expect.stringContaining(message), code: 'invalid' });
  });

  test('a hook of ours stays behind in nothing', async () => {
    await write('tree/clusternator.config.ts', TS);
    const script = `
      await loadConfig({ root, env: {} });
      console.log(JSON.stringify(await import('clusternator').then(() => 'found', (e) => e.code)));`;
    expect(await run(script)).toBe('ERR_MODULE_NOT_FOUND');
  });
});

test('the example of the documentation is valid', async () => {
  const file = join(import.meta.dirname, 'testing/shop.config.yaml');
  expect(await readFile(file, 'utf8')).toContain('project: shop');
  const { config } = await load({ file });
  expect(config.services.api).toMatchObject({
    route: '/api',
    memoryMiB: 512,
    instances: { min: 2, max: 2 },
    needs: { db: 'DB_HOST' },
  });
  expect(config.slots.master).toMatchObject({ branch: 'main', standbys: 2, bakeSeconds: 300 });
  expect(config.environments).toEqual({ ttlSeconds: 259_200, max: 20 });
});
