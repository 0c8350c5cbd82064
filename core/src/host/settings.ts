import { homedir } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import type { EngineEvent } from '../engine/events.ts';
import { findProviders, nearestFirst } from './find-providers.ts';
import type { ProviderSource } from './discovery.ts';
import type { OpenOptions } from './project.ts';

/** What a project was opened with, and the defaults for what was left out. */
export interface Settings extends Omit<OpenOptions, 'providers'> {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stateFolder: string;
  readonly signal: AbortSignal;
  readonly emit: (event: EngineEvent) => void;
  /** Looked for when a provider is needed first. */
  readonly providers: () => Promise<readonly ProviderSource[]>;
}

const NEVER = new AbortController().signal;

/** Fills in what was left out: see `OpenOptions`. */
export function settingsOf(options: OpenOptions): Settings {
  const env = options.env ?? process.env;
  const stateFolder = resolve(options.stateFolder ?? defaultStateFolder(env));
  const { directory, providers = () => providersAround(directory) } = options;
  let found: Promise<readonly ProviderSource[]> | undefined;
  return {
    ...options,
    // A provider that starts a process of its own must find the same folder.
    env: { ...env, CLUSTERNATOR_STATE_HOME: stateFolder },
    stateFolder,
    signal: options.signal ?? NEVER,
    emit: options.emit ?? (() => undefined),
    providers: () => (found ??= Promise.resolve(typeof providers === 'function' ? providers() : providers)),
  };
}

/** Where the command line keeps state too. XDG's rule: a relative folder does not count. */
function defaultStateFolder(env: Settings['env']): string {
  if (env.CLUSTERNATOR_STATE_HOME) return env.CLUSTERNATOR_STATE_HOME;
  const { XDG_STATE_HOME: xdg, HOME: home = homedir() } = env;
  return xdg && isAbsolute(xdg) ? join(xdg, 'clusternator') : join(home, '.local', 'state', 'clusternator');
}

/** Those of the project itself, then those of the program that runs. */
async function providersAround(directory: string): Promise<readonly ProviderSource[]> {
  const program = process.argv[1];
  const places = [directory, ...(program === undefined ? [] : [dirname(program)])];
  return nearestFirst(...(await Promise.all(places.map(findProviders))));
}
