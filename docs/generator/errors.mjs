import { ERROR_CODES, EXIT_CODES, EXIT_OF_ERROR } from '../../plugins/cli/src/errors.ts';
import { cell } from './text.mjs';

export function errorsPage() {
  const exits = Object.entries(EXIT_CODES).map(([code, text]) => `| ${code} | ${cell(text)} |`);
  const contexts = [{}, { operationFailed: true }, { goesOn: true }];
  const exitsOf = (exit) =>
    typeof exit === 'function' ? [...new Set(contexts.map((context) => exit(context)))].join(', ') : exit;
  const errors = Object.entries(ERROR_CODES).map(
    ([code, text]) => `| \`${code}\` | ${cell(text)} | ${exitsOf(EXIT_OF_ERROR[code])} |`,
  );
  return [
    '# Exit codes and error codes',
    '',
    'Generated from the tables of the command line by `npm run docs`.',
    '',
    'With `--json` every command prints one document:',
    '`{ ok, data, operation?, warnings, error?: { code, message, hint, path } }`.',
    'Act on `error.code` and on the exit code, never on the words of a message.',
    '`env exec` ends with the exit code of its command.',
    '',
    '## Exit codes',
    '',
    '| exit code | meaning |',
    '| --- | --- |',
    ...exits,
    '',
    '## Error codes',
    '',
    'Where several exit codes are given: the second when the operation of the command ended as failed, the third when it',
    'goes on in the background.',
    '',
    '| `error.code` | meaning | exit code |',
    '| --- | --- | --- |',
    ...errors,
    '',
  ].join('\n');
}
