import { ProviderError } from '@clusternator/core/provider';
import type { ChannelEnd } from './data-channel.ts';

const NEEDS = 'take an image that has /bin/sh, stty, tee and wc: ECS Exec tells no exit code without them';

/** As the agent says it of a program that is not there. */
const NO_SHELL = /Unable to start command|Failed to start pty/;

export function programMissing(what: string, program: string): ProviderError {
  return new ProviderError('unsupported', `could not ${what}: the image has no ${program}`, { hint: NEEDS });
}

/** Nothing of it ran. */
export function failedToStart(what: string, { kind, reason }: ChannelEnd, noise: string): ProviderError {
  const said = [reason, noise].filter((text) => text !== '').join(': ');
  if (NO_SHELL.test(said))
    return new ProviderError('unsupported', `could not ${what}: the image has no /bin/sh (${said})`, { hint: NEEDS });
  if (kind === 'refused') return new ProviderError('unsupported', `could not ${what}: ${said}`);
  return new ProviderError('unavailable', `could not ${what}: ${said === '' ? 'the session ended' : said}`, {
    effect: 'none',
  });
}

/** It may have run to its end, and may still run. */
export function endedEarly(what: string, { kind, reason }: ChannelEnd): ProviderError {
  const why = reason === '' ? '' : `: ${reason}`;
  const how = kind === 'closed' ? 'the session ended before the command told its exit code' : 'the connection was lost';
  return new ProviderError('unavailable', `could not ${what} to its end: ${how}${why}`, {
    effect: 'unknown',
    hint: 'look whether it was done before you run it again; what still runs, AWS ends 20 minutes after the connection was lost',
  });
}

export function damaged(what: string): ProviderError {
  return new ProviderError('damaged', `could not ${what}: some of its output did not come through`, {
    effect: 'unknown',
    hint: 'ECS Exec spoils the character U+FFFD: have the command write it otherwise, such as by base64',
  });
}
