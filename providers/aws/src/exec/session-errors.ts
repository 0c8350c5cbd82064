import { ProviderError } from '@clusternator/core/provider';
import type { Carrier } from './carrier.ts';
import type { ChannelEnd } from './data-channel.ts';

/** As the agent says it of a program that is not there. */
const NO_SHELL = /Unable to start command|Failed to start pty/;

/** What a session is for, and what it comes by. */
export interface Errand {
  readonly what: string;
  readonly carrier: Carrier;
}

export function programMissing({ what, carrier }: Errand, program: string): ProviderError {
  return new ProviderError('unsupported', `could not ${what}: the ${carrier.place} has no ${program}`, {
    hint: carrier.needs,
  });
}

/** Nothing of it ran. */
export function failedToStart({ what, carrier }: Errand, { kind, reason }: ChannelEnd, noise: string): ProviderError {
  const said = [reason, noise].filter((text) => text !== '').join(': ');
  if (NO_SHELL.test(said))
    return new ProviderError('unsupported', `could not ${what}: the ${carrier.place} has no /bin/sh (${said})`, {
      hint: carrier.needs,
    });
  if (kind === 'refused') return new ProviderError('unsupported', `could not ${what}: ${said}`);
  return new ProviderError('unavailable', `could not ${what}: ${said === '' ? 'the session ended' : said}`, {
    effect: 'none',
  });
}

/** It may have run to its end, and may still run. */
export function endedEarly({ what, carrier }: Errand, { kind, reason }: ChannelEnd): ProviderError {
  const why = reason === '' ? '' : `: ${reason}`;
  const how = kind === 'closed' ? 'the session ended before the command told its exit code' : 'the connection was lost';
  return new ProviderError('unavailable', `could not ${what} to its end: ${how}${why}`, {
    effect: 'unknown',
    hint: `look whether it was done before you run it again; ${carrier.afterwards}`,
  });
}

export function damaged({ what, carrier }: Errand): ProviderError {
  return new ProviderError('damaged', `could not ${what}: some of its output did not come through`, {
    effect: 'unknown',
    hint: `${carrier.name} spoils the character U+FFFD: have the command write it otherwise, such as by base64`,
  });
}
