import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { runProgram, type Outcome } from './cli.ts';

/** A fenced block of a page. `file` is what it is to be in, as in ```js [server.mjs]. */
interface Block {
  readonly language: string;
  readonly file: string | undefined;
  readonly text: string;
  readonly line: number;
}

/** What happened to one block of commands. */
interface Ran {
  readonly line: number;
  readonly printed: string;
}

const CHANGE = path.resolve(import.meta.dirname, 'change-file.mjs');

/**
 * Runs every block of a page, in their order and in one shell: `sh` as it is, a block with a file's name is written there, a `diff` changes
 * that file, and the lines of a `text` must have been printed by the commands before it.
 * @returns What was printed in vain: the lines of `text` blocks that did not turn up, each with its place in the page.
 * @throws with all that the shell printed, when a command failed.
 */
export async function runPage(page: string, cwd: string, env: NodeJS.ProcessEnv): Promise<readonly string[]> {
  const blocks = blocksOf(await readFile(page, 'utf8'));
  const folder = path.join(cwd, 'blocks');
  await mkdir(folder);
  const script = path.join(folder, 'script.sh');
  await writeFile(script, ['set -e', ...blocks.map((block) => commandsOf(block, folder))].join('\n'));
  const work = path.join(cwd, 'work');
  await mkdir(work);
  const outcome = await runProgram('bash', [script], { cwd: work, env, timeoutSeconds: 800 });
  const ran = await Promise.all(
    blocks.filter(isCommand).map(async ({ line }): Promise<Ran> => {
      const printed = await readFile(path.join(folder, String(line)), 'utf8').catch(() => undefined);
      return { line, printed: printed ?? '' };
    }),
  );
  if (outcome.code !== 0) throw new Error(failureText(page, outcome, ran));
  return blocks.filter(({ language }) => language === 'text').flatMap((block) => missing(block, ran));
}

function blocksOf(page: string): readonly Block[] {
  return [...page.matchAll(/^```(\w+)(?: \[([^\]]+)\])?\n([^]*?)^```$/gm)].map(
    ({ index, 1: language = '', 2: file, 3: text = '' }) => ({
      ...{ language, file, text, line: page.slice(0, index).split('\n').length },
    }),
  );
}

function isCommand({ language }: Block): boolean {
  return language === 'sh';
}

function commandsOf({ language, file, text, line }: Block, folder: string): string {
  if (language === 'sh') return `{\n${text}} > '${path.join(folder, String(line))}' 2>&1`;
  if (language === 'diff') return `node '${CHANGE}' '${file ?? ''}' << 'END_OF_BLOCK'\n${text}END_OF_BLOCK`;
  if (language === 'text') return '';
  if (file === undefined) throw new Error(`line ${line}: what is to be done with a block of ${language}?`);
  return `cat > '${file}' << 'END_OF_BLOCK'\n${text}END_OF_BLOCK`;
}

function missing({ text, line }: Block, ran: readonly Ran[]): readonly string[] {
  const printed = ran.findLast((one) => one.line < line)?.printed ?? '';
  return text
    .trimEnd()
    .split('\n')
    .filter((wanted) => !printed.includes(wanted))
    .map((wanted) => `line ${line}: "${wanted}" was not printed, but:\n${printed}`);
}

function failureText(page: string, { code, stderr }: Outcome, ran: readonly Ran[]): string {
  const printed = ran.filter((one) => one.printed !== '').map((one) => `line ${one.line}:\n${one.printed}`);
  return [`${page} ended with code ${code}`, ...printed, stderr].join('\n');
}
