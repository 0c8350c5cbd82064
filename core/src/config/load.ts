import { basename, extname, isAbsolute, join, resolve } from 'node:path';
import type { LoaderResult, Options, PublicExplorer } from 'cosmiconfig';
import { fingerprint } from '../names/fingerprint.ts';
import { isMap, plainData } from './plain-data.ts';
import { firstPlace, SEARCH_PLACES } from './places.ts';
import { codeOf, messageOf } from './cause.ts';
import { ConfigError, formatPath, type ConfigProblem } from './problem.ts';
import type { ProviderPolicy } from '../host/provider-policy.ts';
import type { ProjectConfig } from './schema.ts';
import type { TextFile } from './text-file.ts';

/** Which config to load, and what to lay over it. */
export interface LoadOptions {
  /** The top of a tree. Nothing outside of it is read, but for `file`. */
  readonly root: string;
  /** A file to read in place of the tree's own: absolute, or relative to the tree. */
  readonly file?: string;
  /** `CLUSTERNATOR_PROVIDER` and the like. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** As in `--set services.api.env.LOG_LEVEL=debug`. */
  readonly set?: readonly string[];
  /** The provider to use in place of the file's. */
  readonly provider?: string;
}
/** A valid config, and the file that it came from. `fingerprint`: of the config, 64 hex. */
export interface LoadedConfig {
  readonly config: ProjectConfig;
  readonly file: string;
  readonly fingerprint: string;
}

/** Reads and validates the config of a tree. @throws ConfigError (`invalid`) with all that is wrong, also when there is none. */
export async function loadConfig(options: LoadOptions): Promise<LoadedConfig> {
  const { file, source, data, text } = await readConfig(options);
  const { override } = await import('./overrides.ts');
  const { parseConfig } = await import('./parse.ts');
  const plain = plainData(data);
  if (plain.data === undefined || plain.problems.length > 0)
    throw new ConfigError(located(plain.problems, text), source);
  if (!isMap(plain.data))
    throw new ConfigError([{ path: '', message: 'must be a map of keys such as project and provider' }], source);
  const parsed = parseConfig(override(plain.data, options));
  if ('problems' in parsed) throw new ConfigError(located(parsed.problems, text), source);
  return { config: parsed.config, file, fingerprint: fingerprint(parsed.config) };
}

/**
 * Which providers the config of a tree lets load, whatever else in it may be wrong. Without a config: all.
 * @throws ConfigError (`invalid`) for a config that can't be read, or whose `providers` says nothing that could be kept to.
 */
export async function loadProviderPolicy(options: LoadOptions): Promise<ProviderPolicy> {
  const found = await findConfig(options);
  if (!found) return {};
  const { source, data } = found;
  const { override } = await import('./overrides.ts');
  const { providersSchema } = await import('./schema.ts');
  const plain = plainData(data);
  if (!isMap(plain.data)) throw new ConfigError(plain.problems, source);
  const laidOver = override(plain.data, options);
  const providers = isMap(laidOver) ? laidOver.providers : undefined;
  const parsed = providersSchema.safeParse(providers);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => ({
    path: formatPath(['providers', ...path]),
    message,
  }));
  throw new ConfigError(problems, source);
}

interface RawConfig {
  readonly file: string;
  /** As messages name it. */
  readonly source: string;
  readonly data: unknown;
  readonly text?: TextFile;
}

async function readConfig(options: LoadOptions): Promise<RawConfig> {
  const found = await findConfig(options);
  if (!found) throw noConfig(options.root);
  return found;
}

/** Undefined: there is none. */
async function findConfig({ root, file }: LoadOptions): Promise<RawConfig | undefined> {
  let text: TextFile | undefined;
  const explorer = await explore((read) => (text = read));
  if (file !== undefined) {
    const path = isAbsolute(file) ? file : resolve(root, file);
    const found = await explorer.load(path).catch((cause: unknown) => {
      throw cannotRead(cause, file);
    });
    return whole(found, path, file, text);
  }
  const place = await firstPlace(root);
  if (place === undefined) return undefined;
  const found = await explorer.load(join(root, place)).catch((cause: unknown) => {
    throw cannotRead(cause, place);
  });
  if (found === null) return undefined;
  return whole(found, join(root, place), place, text);
}

/** Loads what `loadConfig` needs for a config without code, so that it finds it there. */
export async function warmUpConfig(): Promise<void> {
  const modules = [import('./overrides.ts'), import('./text-file.ts'), import('./parse.ts')];
  await Promise.all([...modules, import('cosmiconfig/dist/Explorer.js')]);
}

function whole(found: { readonly config: unknown } | null, file: string, source: string, text?: TextFile): RawConfig {
  const data = found?.config;
  if (data === undefined || data === null)
    throw new ConfigError([{ path: '', message: 'is empty', hint: 'clusternator init writes one' }], source);
  return { file, source, data, ...(text && basename(file) !== 'package.json' && { text }) };
}

interface ExplorerModule {
  readonly Explorer: new (
    options: Options & { readonly moduleName: string; readonly metaConfigFilePath: null },
  ) => PublicExplorer;
}
/**
 * cosmiconfig's explorer itself, because its `cosmiconfig()` first reads settings from the current folder, such as `.config/config.js`, and
 * lets them name other search places: a config would no longer come from the commit alone.
 */
async function explore(onText: (text: TextFile) => void): Promise<PublicExplorer> {
  // Its types are left out of the package; a test says that it is as we take it to be.
  const { Explorer } = (await import('cosmiconfig/dist/Explorer.js')) as unknown as ExplorerModule;
  const text =
    (format: 'yaml' | 'json') =>
    async (file: string, content: string): Promise<LoaderResult> => {
      const { readTextFile } = await import('./text-file.ts');
      const read = readTextFile(content, basename(file), format);
      onText(read);
      return withoutImports(read.data, basename(file));
    };
  const module = async (file: string): Promise<LoaderResult> => {
    const { importConfig } = await import('./module-file.ts');
    return withoutImports(await importConfig(file, basename(file)), basename(file));
  };
  return new Explorer({
    moduleName: 'clusternator',
    searchPlaces: [...SEARCH_PLACES],
    searchStrategy: 'none',
    ignoreEmptySearchPlaces: false,
    cache: false,
    mergeImportArrays: false,
    mergeSearchPlaces: false,
    metaConfigFilePath: null,
    transform: (result) => result,
    loaders: {
      '.ts': module,
      '.mts': module,
      '.js': module,
      '.mjs': module,
      '.yaml': text('yaml'),
      '.yml': text('yaml'),
      '.json': text('json'),
      noExt: text('yaml'),
    },
  });
}

/** cosmiconfig would read the files that `$import` names, wherever they are. */
function withoutImports(data: unknown, source: string): LoaderResult {
  const top = isMap(data) && source === 'package.json' && isMap(data.clusternator) ? data.clusternator : data;
  if ([data, top].some((map) => isMap(map) && Object.hasOwn(map, '$import'))) {
    throw new ConfigError(
      [{ path: '$import', message: 'is not supported', hint: 'write the keys themselves, or use a .ts file' }],
      source,
    );
  }
  return data as LoaderResult; // any: what it is, is validated later
}

function cannotRead(cause: unknown, source: string): unknown {
  if (cause instanceof ConfigError) return cause;
  const text = messageOf(cause);
  const isOfNoKind = text.startsWith('No loader');
  const message = isOfNoKind ? `is of no kind that a config can be (${extname(source)})` : `can not be read: ${text}`;
  if (codeOf(cause) === 'ENOENT')
    return new ConfigError([{ path: '', message: 'there is no such file' }], source, cause);
  return new ConfigError([{ path: '', message }], source, cause);
}

function noConfig(root: string): ConfigError {
  return new ConfigError(
    [
      {
        path: '',
        message: 'there is no clusternator.config.yaml, nor any other config',
        hint: 'run `clusternator init` to write one, and commit it',
      },
    ],
    root,
  );
}

/** An override has no place in the file: it gets the place of what is above it, or none. */
function located(problems: readonly ConfigProblem[], text: TextFile | undefined): readonly ConfigProblem[] {
  return problems.map((problem) => {
    const place = problem.path === '' ? undefined : text?.locate(problem.path.split('.'));
    return place ? { ...problem, ...place } : problem;
  });
}
