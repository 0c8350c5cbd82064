import type { Call } from '../provider/host.ts';
import { ProviderError } from '../provider/error.ts';
import type { Environment, EnvironmentDriver, ExecSession } from './environment.ts';

const OUTPUT_CHARACTERS = 2000;

/** A command inside a service of an environment. */
export interface Command {
  readonly driver: EnvironmentDriver;
  readonly environment: Environment;
  readonly service: string;
  readonly command: readonly string[];
  /** What it reads. Left out: nothing. */
  readonly input?: AsyncIterable<Uint8Array>;
  readonly onOutput?: (text: string) => void;
}

/** @throws ProviderError `unsupported`: the provider runs no commands inside services. */
export async function openCommand(
  { driver, environment, service, command }: Omit<Command, 'input' | 'onOutput'>,
  call: Call,
): Promise<ExecSession> {
  if (!driver.exec)
    throw new ProviderError('unsupported', 'the provider runs no commands inside services', { path: 'provider' });
  return driver.exec(environment, { service, command }, call);
}

/** Runs it to its end. @returns Its exit code, and the last of what it said. */
export async function runCommand(
  command: Command,
  call: Call,
): Promise<{ readonly code: number; readonly said: string }> {
  const session = await openCommand(command, call);
  const fed = feed(session, command.input);
  let said = '';
  for await (const bytes of session.output) {
    const text = Buffer.from(bytes).toString('utf8');
    said = (said + text).slice(-OUTPUT_CHARACTERS);
    command.onOutput?.(text);
  }
  const code = await session.exitCode;
  // What ended well has read what it wanted; what could not be read to its end, such as a damaged dump, is no success.
  await fed;
  return { code, said: said.trim() };
}

/** @throws ProviderError `unhealthy`: it did not end with 0. */
export async function mustRun(command: Command, doing: string, call: Call): Promise<string> {
  const { code, said } = await runCommand(command, call);
  if (code === 0) return said;
  throw new ProviderError('unhealthy', `${doing}: it ended with ${String(code)}${said === '' ? '' : `: ${said}`}`, {
    effect: 'unknown',
  });
}

async function feed(session: ExecSession, input: AsyncIterable<Uint8Array> | undefined): Promise<void> {
  try {
    for await (const bytes of input ?? []) await session.write(bytes);
  } finally {
    await session.end();
  }
}
