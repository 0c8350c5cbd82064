import { ProviderError, type Call, type ExecRequest, type ExecSession } from '@clusternator/core/provider';
import type { StreamPlace } from './data-channel.ts';
import { openExecSession, type Opening } from './exec-session.ts';
import { commandLine, newMarker } from './script.ts';
import type { Errand } from './session-errors.ts';

/** A session that AWS has started. */
export interface Started extends Pick<Opening, 'end'> {
  readonly place: StreamPlace;
}

/** What a request is for, as errors say it. @throws ProviderError `invalid`: it can't go well anywhere. */
export function whatIsRun({ command, service }: ExecRequest): string {
  const [program] = command;
  if (program === undefined) throw new ProviderError('invalid', 'there is no command to run');
  const what = `run ${program} in service ${service}`;
  if (command.some((argument) => argument.includes('\0')))
    throw new ProviderError('invalid', `could not ${what}: an argument has a NUL byte, which no program takes`);
  return what;
}

/** @param start - Has AWS run the line in a terminal. The marker is what the line says before each of its words. */
export async function runCommand(
  request: ExecRequest,
  errand: Errand,
  start: (line: string, marker: string) => Promise<Started>,
  { signal }: Call,
): Promise<ExecSession> {
  const marker = newMarker();
  const started = await start(commandLine(marker, request.terminal !== undefined), marker);
  return openExecSession({ ...started, ...errand, marker, request }, signal);
}
