import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Interfaces } from '@oclif/core';

type PluginChoice = Pick<Interfaces.Options, 'pjson' | 'userPlugins' | 'devPlugins'>;

const HELP_FLAGS = ['--help', '-h'];

/**
 * Which plugins oclif has to load for a command line. None for a command of ours; those that come along for one of theirs; all for
 * anything else, such as help and the commands of installed plugins.
 */
export function pluginsNeededFor(argv: readonly string[], root: string, pjson: unknown): PluginChoice {
  const words = wordsOf(argv);
  const helpWanted = argv.slice(0, indexOrEnd(argv, '--')).some((word) => HELP_FLAGS.includes(word));
  if (words.length === 0 || helpWanted || !isManifest(pjson)) return {};
  if (hasCommand(join(root, 'oclif.manifest.json'), words)) {
    return { pjson: { ...pjson, oclif: { ...pjson.oclif, plugins: [] } }, userPlugins: false, devPlugins: false };
  }
  const providers = (pjson.oclif.plugins ?? []).filter((name) => !name.startsWith('@oclif/'));
  const theirs = providers.some((name) => hasCommand(manifestOf(name, root), words));
  return theirs ? { userPlugins: false, devPlugins: false } : {};
}

const WITH_VALUE = new Set(['-C', '--cwd', '--state-home']);
const WITHOUT_VALUE = new Set(['--json', '--verbose']);

/** oclif wants the command first; `clusternator -C folder env list` is what git has taught people to write. */
export function leadingFlagsLast(argv: readonly string[]): readonly string[] {
  let at = 0;
  for (;;) {
    const word = argv[at] ?? '';
    const size = WITH_VALUE.has(word)
      ? 2
      : WITHOUT_VALUE.has(word) || WITH_VALUE.has(word.split('=', 1)[0] ?? '')
        ? 1
        : 0;
    if (size === 0) break;
    at += size;
  }
  if (at === 0 || at >= argv.length) return argv;
  const end = indexOrEnd(argv, '--');
  return [...argv.slice(at, end), ...argv.slice(0, at), ...argv.slice(end)];
}

/** The words before the first flag: they name the command. */
function wordsOf(argv: readonly string[]): readonly string[] {
  const end = argv.findIndex((word) => word.startsWith('-'));
  return end === -1 ? argv : argv.slice(0, end);
}

function hasCommand(manifest: string | undefined, words: readonly string[]): boolean {
  if (manifest === undefined) return false;
  try {
    const parsed: unknown = JSON.parse(readFileSync(manifest, 'utf8'));
    const commands =
      typeof parsed === 'object' && parsed !== null && 'commands' in parsed ? parsed.commands : undefined;
    if (typeof commands !== 'object' || commands === null) return false;
    const ids = new Set(Object.entries(commands).flatMap(([id, command]) => [id, ...aliasesOf(command)]));
    return words.some((_, at) => ids.has(words.slice(0, at + 1).join(':')));
  } catch {
    // Without a manifest oclif finds the commands itself.
    return false;
  }
}

function aliasesOf(command: unknown): readonly unknown[] {
  const isListed = typeof command === 'object' && command !== null && 'aliases' in command;
  return isListed && Array.isArray(command.aliases) ? command.aliases : [];
}

function manifestOf(name: string, root: string): string | undefined {
  try {
    return join(
      dirname(createRequire(join(root, 'package.json')).resolve(`${name}/package.json`)),
      'oclif.manifest.json',
    );
  } catch {
    return undefined;
  }
}

function indexOrEnd(argv: readonly string[], word: string): number {
  const at = argv.indexOf(word);
  return at === -1 ? argv.length : at;
}

function isManifest(value: unknown): value is Interfaces.PJSON {
  return typeof value === 'object' && value !== null && 'oclif' in value;
}
