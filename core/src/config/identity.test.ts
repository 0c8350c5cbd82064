import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parse, stringify } from 'yaml';
import { readProjectName, topLevel } from './identity.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'clusternator-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));
const read = async (
  text: string,
  options: Partial<Parameters<typeof readProjectName>[0]> = {},
  name = 'clusternator.config.yaml',
) => {
  await writeFile(join(root, name), text);
  return readProjectName({ root, env: {}, ...options });
};
const REST = 'sites:\n  web: { dir: dist }\n';

test('a plain config is told without loading it', async () => {
  const text = `# ours\nproject: shop   # the shop\r\nprovider: local\nstate: aws\nbroken-elsewhere: [\n`;
  expect(await read(text)).toEqual({
    project: 'shop',
    stage: 'default',
    provider: 'local',
    state: { name: 'aws', config: {} },
    file: join(root, 'clusternator.config.yaml'),
  });
});

test('whatever is less plain is loaded whole', async () => {
  const shop = { project: 'shop', stage: 'live', provider: 'aws' };
  expect(await read(`"project": shop\nstage: 'live'\nprovider: { name: aws, region: x }\n${REST}`)).toMatchObject(shop);
  expect(
    await read(`project: shop\nstage: live\nprovider: aws\nstate: { name: aws, bucket: b }\n${REST}`),
  ).toMatchObject({ ...shop, state: { name: 'aws', config: { bucket: 'b' } } });
  expect(await read(`project: shop\nprovider: x\n${REST}`, { set: ['stage=live'], provider: 'aws' })).toMatchObject(
    shop,
  );
});

test('what a stage says of the provider and the state counts', async () => {
  const text = `project: shop\nprovider: local\nstages:\n  live: { provider: aws, state: aws }\n${REST}`;
  const live = { project: 'shop', stage: 'live', provider: 'aws', state: { name: 'aws', config: {} } };
  expect(await read(text)).toMatchObject({ stage: 'default', provider: 'local' });
  expect(await read(text, { env: { CLUSTERNATOR_STAGE: 'live' } })).toMatchObject(live);
});

test('the environment and --provider win', async () => {
  const env = { CLUSTERNATOR_PROJECT: 'other', CLUSTERNATOR_STAGE: 'live', CLUSTERNATOR_PROVIDER: 'fly' };
  expect(await read('project: shop\nprovider: local\n', { env })).toMatchObject({
    project: 'other',
    stage: 'live',
    provider: 'fly',
  });
  expect(await read('project: shop\nprovider: local\n', { env, provider: 'aws' })).toMatchObject({ provider: 'aws' });
});

test('a mistake is told as loading tells it', async () => {
  await expect(read('project: My Shop\nprovider: local\n')).rejects.toMatchObject({
    code: 'invalid',
    detail: { path: 'project' },
  });
  await expect(read('provider: local\n')).rejects.toMatchObject({ detail: { path: 'project' } });
});

test('what is read in a hurry is what YAML says', () => {
  const value = fc.oneof(
    fc.constantFrom(
      'shop',
      'true',
      'null',
      'on',
      '1a',
      'a-b',
      'a: b',
      'a #b',
      '"x"',
      '|',
      '&a x',
      '*a',
      '{a: b}',
      '[',
      '- x',
      '~',
      '',
      '1e3',
      'a\n  b',
      "'",
    ),
    fc.string({ maxLength: 12 }),
  );
  const line = fc.tuple(
    fc.constantFrom(
      'project',
      'stage',
      'provider',
      'state',
      'other',
      'providers',
      '  project',
      '? project',
      '"project"',
      '"providers"',
      '? providers',
      '<<',
      'a: {\n  providers',
    ),
    value,
  );
  const source = fc.oneof(
    fc.array(line, { maxLength: 6 }).map((lines) => lines.map(([key, text]) => `${key}: ${text}`).join('\n')),
    fc
      .dictionary(fc.constantFrom('project', 'stage', 'provider', 'providers', 'other'), fc.jsonValue())
      .map((data) => stringify(data)),
  );
  fc.assert(
    fc.property(source, (text) => {
      const quick = topLevel(text);
      if (quick === undefined) return;
      let exact: unknown;
      try {
        exact = parse(text, { logLevel: 'error' });
      } catch {
        return; // a mistake elsewhere goes unnoticed
      }
      const map = exact as Record<string, unknown> | null;
      for (const [key, told] of quick.scalars) expect(map?.[key]).toBe(told);
      for (const key of Object.keys(map ?? {})) expect(quick.keys).toContain(key);
    }),
    { numRuns: 2000 },
  );
});
