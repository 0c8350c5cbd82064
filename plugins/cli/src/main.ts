import { Config, Errors, run, settings } from '@oclif/core';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Exit } from './errors.ts';
import { failureLines, failureOf } from './failure.ts';
import { paintFor } from './output/text.ts';
import { briefWarning } from './warnings.ts';
import { leadingFlagsLast, pluginsNeededFor } from './dispatch.ts';

/**
 * Runs a command line and ends the process.
 * Our own commands load no plugin at all: they start faster, and nobody's broken plugin can break them.
 * @param root - This package's folder.
 */
export async function start(words: readonly string[], root: string): Promise<void> {
  let argv = leadingFlagsLast(words);
  // Sources are never run in place of what was built, whatever NODE_ENV says.
  settings.enableAutoTranspile = false;
  // Without it oclif asks the system who the user is, who may have no entry there in a container.
  process.env.SHELL ??= '/bin/sh';
  process.stdout.on('error', endQuietly);
  process.stderr.on('error', endQuietly);
  showWarningsBriefly(argv);
  try {
    const pjson: unknown = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    if (argv[0]?.startsWith('plugins') === true) argv = await withLocalPackages(argv, root);
    await run([...argv], { root: root, ...pluginsNeededFor(argv, root, pjson) });
  } catch (error) {
    report(error, argv);
  }
  await drained(process.stdout);
  process.exit();
}

async function withLocalPackages(argv: readonly string[], root: string): Promise<readonly string[]> {
  const install = await import('./plugins-install.ts');
  if (!install.installsPlugins(argv)) return argv;
  const { dataDir } = await Config.load({ root, userPlugins: false, devPlugins: false });
  return install.withLocalPackages(argv, dataDir);
}

/** What failed before or outside of a command of ours: an unknown command, a plugin's command. */
function report(error: unknown, argv: readonly string[]): void {
  if (error instanceof Error && 'code' in error && error.code === 'EEXIT') {
    process.exitCode = exitOf(error) ?? process.exitCode ?? Exit.fine;
    return;
  }
  const failure = failureOf(error);
  process.exitCode = [process.exitCode, exitOf(error)].find((code) => code !== undefined && code !== 0) ?? failure.exit;
  const { code, message, hint } = failure;
  if (argv.includes('--json')) {
    const document = { ok: false, data: null, warnings: [], error: { code, message, ...(hint ? { hint } : {}) } };
    process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
  } else {
    process.stderr.write(`${failureLines(failure, paintFor(process.stderr), argv.includes('--verbose')).join('\n')}\n`);
  }
}

function exitOf(error: unknown): number | undefined {
  return error instanceof Errors.CLIError || (error instanceof Error && 'oclif' in error)
    ? (error as { oclif?: { exit?: number } }).oclif?.exit // oclif's own shape, also from another copy of it
    : undefined;
}

/** `clusternator env list | head` ends without a word. */
function endQuietly(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit();
  throw error;
}

function showWarningsBriefly(argv: readonly string[]): void {
  if (argv.includes('--verbose') || process.env.DEBUG) return;
  process.removeAllListeners('warning');
  process.on('warning', (warning) => {
    process.stderr.write(`warning: ${briefWarning(warning)}\n`);
  });
}

async function drained(stream: NodeJS.WriteStream): Promise<void> {
  if (stream.writableLength === 0) return;
  await new Promise<void>((done) => {
    stream.write('', () => {
      done();
    });
  });
}
