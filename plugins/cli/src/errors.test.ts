import { describe, expect, test } from '@jest/globals';
import { ProviderError, type ErrorCode } from '@clusternator/core';
import { ERROR_CODES, Exit, EXIT_CODES, EXIT_OF_ERROR, exitCodeOf, type FailureContext } from './errors.ts';
import { failureLines, failureOf } from './failure.ts';

const plain = (_style: unknown, text: string): string => text;

describe('exit codes', () => {
  test.each<[ErrorCode, FailureContext, number]>([
    ['not-found', {}, 3],
    ['already-exists', {}, 7],
    ['conflict', {}, 4],
    ['superseded', {}, 4],
    ['token-reused', {}, 1],
    ['unauthenticated', {}, 12],
    ['denied', {}, 12],
    ['invalid', {}, 2],
    ['unsupported', {}, 7],
    ['quota', {}, 11],
    ['throttled', {}, 1],
    ['unavailable', {}, 1],
    ['unavailable', { operationFailed: true }, 5],
    ['timeout', {}, 1],
    ['timeout', { goesOn: true }, 9],
    ['timeout', { operationFailed: true }, 5],
    ['cancelled', {}, 130],
    ['owned-by-other', {}, 7],
    ['refused', {}, 7],
    ['unhealthy', {}, 5],
    ['reverted', {}, 6],
    ['degraded', {}, 8],
    ['drifted', {}, 10],
    ['damaged', {}, 5],
    ['internal', {}, 1],
    ['internal', { interrupted: true }, 130],
  ])('%s with %j is %i', (code, context, exit) => {
    expect(exitCodeOf(code, context)).toBe(exit);
  });

  test('each is described, and each error code is too', () => {
    expect(Object.values(Exit).map(String).sort()).toEqual(Object.keys(EXIT_CODES).sort());
    expect(Object.keys(ERROR_CODES).sort()).toEqual(Object.keys(EXIT_OF_ERROR).sort());
  });
});

describe('failures', () => {
  test('say what happened, why, and the way out', () => {
    const cause = new Error('connect ECONNREFUSED', { cause: new Error('port 5432') });
    const error = new ProviderError('unhealthy', 'service db never answered', {
      hint: 'see its logs',
      path: 'services.db',
      cause,
    });
    const failure = failureOf(error);
    expect(failure).toMatchObject({ code: 'unhealthy', exit: 5, path: 'services.db', hint: 'see its logs' });
    expect(failureLines(failure, plain, false)).toEqual([
      'Error: service db never answered (at services.db)',
      '  because: connect ECONNREFUSED',
      '  because: port 5432',
      'Try: see its logs',
    ]);
  });

  test("another copy of core's errors count by their brand", () => {
    const foreign = Object.assign(new Error('gone'), {
      [Symbol.for('clusternator.error')]: true,
      code: 'not-found',
      detail: {},
    });
    expect(failureOf(foreign)).toMatchObject({ code: 'not-found', exit: 3 });
  });

  test('an error that nobody foresaw is a bug: exit 1, with its stack for --verbose alone', () => {
    const failure = failureOf(new TypeError('x is undefined'));
    expect(failure).toMatchObject({ code: 'internal', exit: 1 });
    expect(failureLines(failure, plain, false).join('\n')).toContain('This is a bug in clusternator');
    expect(failureLines(failure, plain, false).join('\n')).not.toContain('errors.test');
    expect(failureLines(failure, plain, true).join('\n')).toContain('errors.test');
  });

  test("oclif's complaints are wrong usage", () => {
    const error = Object.assign(new Error('Nonexistent flag: --shaa\nSee more help with --help'), {
      oclif: { exit: 2 },
    });
    expect(failureOf(error)).toMatchObject({
      code: 'invalid',
      exit: 2,
      message: 'Nonexistent flag: --shaa',
      hint: 'see --help',
    });
  });

  test("oclif's parser does not garble what core says of a flag", () => {
    const error = new ProviderError('invalid', '"soon" is not a duration', { hint: 'such as 72h' });
    error.message = 'Parsing --ttl \n\t"soon" is not a duration\nSee more help with --help';
    expect(failureOf(error)).toMatchObject({ message: '--ttl: "soon" is not a duration', hint: 'such as 72h' });
  });

  test('an unanswered question is an interruption', () => {
    const error = Object.assign(new Error('User force closed the prompt'), { name: 'ExitPromptError' });
    expect(failureOf(error).exit).toBe(130);
  });

  test('causes that go round in a circle end', () => {
    const first = new Error('first');
    first.cause = new Error('second', { cause: first });
    expect(failureOf(first).causes).toEqual(['second']);
  });

  test('what comes from elsewhere can not steer the terminal', () => {
    const error = new ProviderError('invalid', 'commit "\u001b[2J\u001b]0;owned\u0007evil"\nsecond line');
    expect(failureLines(failureOf(error), plain, false)).toEqual(['Error: commit "evil"\nsecond line']);
  });
});
