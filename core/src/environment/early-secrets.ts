import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { loadConfig } from '../config/load.ts';
import { SEARCH_PLACES } from '../config/places.ts';
import type { ProjectConfig } from '../config/schema.ts';
import type { Session } from '../host/session.ts';
import type { CreateInput } from './create-input.ts';

const CODE: ReadonlySet<string> = new Set(['.ts', '.mts', '.js', '.mjs']);

/**
 * Finds the values of the secrets that the commit's config names, before anything is made. Where the config can't be known without a
 * checkout (it is code, or is wrong), nothing happens: whoever reads it later says what there is to say.
 * @throws ProviderError `invalid`, naming the secrets that have no value.
 */
export async function findSecretsEarly(session: Session, input: CreateInput): Promise<void> {
  const repository = await session.repository(input.repository);
  const found = await configText(input, (paths) => repository.readFiles(input.commit, paths));
  if (!found?.text.includes('secrets')) return;
  const config = await parsed(input, found).catch(() => undefined);
  if (config !== undefined) await session.useSecrets(config, input.repository);
}

interface ConfigText {
  readonly place: string;
  readonly text: string;
}

async function configText(
  { configFile }: CreateInput,
  read: (paths: readonly string[]) => Promise<ReadonlyMap<string, Buffer>>,
): Promise<ConfigText | undefined> {
  if (configFile !== undefined) {
    if (CODE.has(extname(configFile))) return undefined;
    const text = await readFile(configFile, 'utf8').catch(() => '');
    return { place: configFile, text };
  }
  const files = await read(SEARCH_PLACES);
  const place = SEARCH_PLACES.find((one) => files.has(one));
  if (place === undefined || CODE.has(extname(place))) return undefined;
  return { place, text: files.get(place)?.toString() ?? '' };
}

/** As it will be read from the checkout, from a folder with nothing else in it. */
async function parsed(input: CreateInput, { place, text }: ConfigText): Promise<ProjectConfig> {
  const root = await mkdtemp(join(tmpdir(), 'clusternator-config-'));
  try {
    const { configFile, env, provider, set } = input;
    if (configFile === undefined) await writeFile(join(root, place), text);
    const told = { ...(configFile !== undefined && { file: configFile }), ...(provider !== undefined && { provider }) };
    return (await loadConfig({ root, env, set, ...told })).config;
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}
