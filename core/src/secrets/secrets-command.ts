import { spawn } from 'node:child_process';
import { z } from 'zod';
import { ProviderError } from '../provider/error.ts';
import { cancelled } from '../source/git.ts';
import type { Variables } from '../source/git.ts';
import { parseEnvFile } from './env-file.ts';

const jsonSchema = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]).transform(String));
const PATH = 'secretsFrom.command';

/** Runs a command that prints secrets, as dotenv or as a JSON object. What it prints is shown nowhere.
 *  @throws ProviderError `invalid` (it failed: with what it wrote to its error output), `cancelled`. */
export async function readFromCommand(
  command: readonly string[],
  to: { readonly folder: string; readonly env: Variables; readonly signal: AbortSignal },
): Promise<Readonly<Record<string, string>>> {
  const [program = '', ...args] = command;
  const output = await run(program, args, to);
  if (!output.trimStart().startsWith('{')) return parseEnvFile(output);
  const parsed = jsonSchema.safeParse(jsonOf(output));
  if (parsed.success) return parsed.data;
  throw new ProviderError('invalid', `${program} printed JSON that is no object of names and values`, { path: PATH });
}

function run(
  program: string,
  args: readonly string[],
  to: { folder: string; env: Variables; signal: AbortSignal },
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: to.folder,
      env: { ...to.env },
      stdio: ['inherit', 'pipe', 'pipe'],
      signal: to.signal,
    });
    const output: Buffer[] = [];
    const errors: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
    child.on('error', (error: NodeJS.ErrnoException) => {
      if (to.signal.aborted) {
        reject(cancelled(to.signal, `run ${program}`));
        return;
      }
      const reason = error.code === 'ENOENT' ? 'there is no such program' : error.message;
      reject(
        new ProviderError('invalid', `could not run ${program} for secrets: ${reason}`, { path: PATH, cause: error }),
      );
    });
    child.on('close', (code, signal) => {
      if (code === 0) {
        resolve(Buffer.concat(output).toString());
        return;
      }
      const said = Buffer.concat(errors).toString().trim().split('\n').slice(-5).join('\n  ');
      const ended = code === null ? `signal ${signal ?? ''}` : `code ${code}`;
      reject(
        new ProviderError('invalid', `${program}, which has the secrets, ended with ${ended}:\n  ${said}`, {
          path: PATH,
        }),
      );
    });
  });
}

/** Without JSON.parse's own error, which quotes the text. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
