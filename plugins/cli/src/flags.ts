import { Args, Flags } from '@oclif/core';

/** Without reading standard input: a script's input is never taken for an id. */
export const environmentArg = Args.string({
  description: 'An environment: any unique prefix of its id, or a commit, branch or tag.',
  required: true,
  ignoreStdin: true,
});

export const operationArg = Args.string({
  description: 'An operation: its id, or any unique prefix of it.',
  required: true,
  ignoreStdin: true,
});

/** Such as `90s`, `10m`, `72h`, `7d`: core's own reading of it, in seconds. */
export const durationFlag = Flags.custom<number>({
  helpValue: '<duration>',
  parse: async (input) => (await import('@clusternator/core')).parseDuration(input),
});

export const envFileFlag = Flags.string({
  summary: 'A file of KEY=value lines with values for secrets. Repeatable; later ones win.',
  helpValue: '<file>',
  multiple: true,
  multipleNonGreedy: true,
});
