import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { nameProblem } from '../names/name.ts';
import { DEFAULT_STAGE } from '../names/owner.ts';
import type { LoadOptions } from './load.ts';
import { firstPlace } from './places.ts';
import type { ProjectConfig } from './schema.ts';

/** What tells one project's state from another's. */
export interface ProjectIdentity {
  readonly project: string;
  readonly stage: string;
  readonly provider: string;
  /** Where the state is kept, if not on this machine. */
  readonly state?: { readonly name: string; readonly config: Readonly<Record<string, unknown>> };
  /** The top of the tree and the config's name in it, or the file that was named. */
  readonly file: string;
}

/**
 * As much of a config as it takes to list environments. A YAML file with plain lines `project: shop` is not even parsed, which spares a
 * command that only prints most of its time; whatever is not as simple is loaded whole, as `loadConfig` does.
 * @throws ConfigError. A mistake elsewhere in the file goes unnoticed.
 */
export async function readProjectName(options: LoadOptions): Promise<ProjectIdentity> {
  const simple = await readSimply(options);
  if (simple !== undefined) return simple;
  const { loadConfig } = await import('./load.ts');
  const { config, file } = await loadConfig(options);
  return {
    project: config.project,
    stage: config.stage,
    provider: config.provider.name,
    ...(config.state && { state: withOwnKeys(config.state, config.provider) }),
    file,
  };
}

async function readSimply(options: LoadOptions): Promise<ProjectIdentity | undefined> {
  const { file, scalars, keys } = (await readTopLevel(options)) ?? {};
  if (file === undefined || scalars === undefined || keys?.has('stages')) return undefined;
  const told = (variable: string): string | undefined =>
    options.env[variable] === '' ? undefined : options.env[variable];
  const project = told('CLUSTERNATOR_PROJECT') ?? scalars.get('project');
  const stage = told('CLUSTERNATOR_STAGE') ?? scalars.get('stage') ?? DEFAULT_STAGE;
  const provider = options.provider ?? told('CLUSTERNATOR_PROVIDER') ?? scalars.get('provider');
  const state = scalars.get('state');
  const names = [project, stage, provider, ...(state === undefined ? [] : [state])];
  if (names.some((name) => name === undefined || nameProblem(name) !== undefined)) return undefined;
  if (project === undefined || provider === undefined) return undefined;
  return { project, stage, provider, ...(state !== undefined && { state: { name: state, config: {} } }), file };
}

/** Undefined: the config is not so simple that it can be read without parsing it, or `set` or `file` say more than the tree's own. */
export async function readTopLevel(options: LoadOptions): Promise<(TopLevel & { readonly file: string }) | undefined> {
  if (options.file !== undefined || (options.set ?? []).length > 0) return undefined;
  const place = await firstPlace(options.root);
  if (place === undefined || !['.yaml', '.yml'].includes(extname(place))) return undefined;
  const file = join(options.root, place);
  const top = topLevel(await readFile(file, 'utf8'));
  return top && { ...top, file };
}

/** `state: aws` beside `provider: { name: aws, region: … }` means that one, with its keys. */
function withOwnKeys(named: ProjectConfig['provider'], main: ProjectConfig['provider']): ProjectConfig['provider'] {
  return named.name === main.name && Object.keys(named.config).length === 0 ? main : named;
}

const WANTED: ReadonlySet<string> = new Set(['project', 'stage', 'provider', 'state']);

interface TopLevel {
  /** All of them. */
  readonly keys: ReadonlySet<string>;
  /** Of the keys that tell a project from others. */
  readonly scalars: ReadonlyMap<string, string>;
}

/** Undefined: the file is not simple enough to be sure without parsing it. */
export function topLevel(text: string): TopLevel | undefined {
  if (/\r(?!\n)/.test(text)) return undefined; // a line break to some readers of YAML
  const keys = new Set<string>();
  const scalars = new Map<string, string>();
  let key: string | undefined;
  for (const line of text.split(/\r?\n/)) {
    if (/^ *(?:#|$)/.test(line)) continue;
    if (line.startsWith(' ')) {
      if (key === undefined || WANTED.has(key)) return undefined; // a value that goes on, or an indented file
      continue;
    }
    let rest: string | undefined;
    [, key, rest = ''] = /^([A-Za-z$][\w$-]*):(?: +(.*))?$/.exec(line) ?? [];
    if (key === undefined || scalars.has(key)) return undefined;
    keys.add(key);
    if (!WANTED.has(key)) continue;
    const [, value] = /^([a-z][a-z0-9-]*)(?:[ ]+(?:#.*)?)?$/.exec(rest) ?? [];
    // YAML reads these as something other than text
    if (value === undefined || /^(?:true|false|null)$/.test(value)) return undefined;
    scalars.set(key, value);
  }
  return { keys, scalars };
}
