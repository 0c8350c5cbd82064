import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { describe } from '@jest/globals';

const present = spawnSync('dig', ['-v']).error === undefined;

/** Tests that BIND's dig judges. Without it they are skipped, loudly; in CI that is an error. */
export const describeWithDig = present ? describe : missing();

function missing(): typeof describe.skip {
  if (process.env.CI === 'true') throw new Error('dig is not installed: apt-get install bind9-dnsutils');
  process.stderr.write(
    'SKIPPED: dig is not installed (apt-get install bind9-dnsutils), so nothing judged the DNS server\n',
  );
  return describe.skip;
}

/** What dig made of a reply. `answer` and `authority` are lines with single spaces. */
export interface Dug {
  readonly status: string;
  readonly flags: readonly string[];
  readonly answer: readonly string[];
  readonly authority: readonly string[];
  readonly additional: readonly string[];
  readonly text: string;
}

/** @param words - As on the command line, such as `x.test AAAA +tcp`. */
export async function dig(port: number, ...words: readonly string[]): Promise<Dug> {
  const args = ['@127.0.0.1', '-p', String(port), '+tries=1', '+time=3', '+noidnin', '+noidnout', ...words];
  const { stdout } = await promisify(execFile)('dig', args);
  return {
    status: /status: (\w+)/.exec(stdout)?.[1] ?? '',
    flags: /;; flags: ([^;]*);/.exec(stdout)?.[1]?.trim().split(' ') ?? [],
    answer: section(stdout, 'ANSWER'),
    authority: section(stdout, 'AUTHORITY'),
    additional: section(stdout, 'ADDITIONAL'),
    text: stdout,
  };
}

function section(text: string, name: string): string[] {
  const lines = text.split(`;; ${name} SECTION:\n`)[1]?.split('\n\n')[0]?.split('\n') ?? [];
  return lines.filter((line) => line !== '' && !line.startsWith(';')).map((line) => line.replaceAll(/\s+/g, ' '));
}
