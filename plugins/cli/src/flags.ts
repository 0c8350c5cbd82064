import { Args, Flags } from '@oclif/core';

/** Without reading standard input: a script's input is never taken for an id. */
export const environmentArg = Args.string({
  description: 'An environment: any unique prefix of its id, or a commit, branch or tag.',
  required: true,
  ignoreStdin: true,
});

export const slotArg = Args.string({ description: 'A slot, by its name.', required: true, ignoreStdin: true });

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

/** Such as `10@5m,50@5m,100`, as in the config. */
export const stagesFlag = Flags.custom<readonly { readonly percent: number; readonly holdSeconds: number }[]>({
  helpValue: '<stages>',
  parse: async (input) => (await import('@clusternator/core')).parseStages(input),
});

export const reasonFlag = Flags.string({ summary: "Why: kept in the slot's ledger." });

export const envFileFlag = Flags.string({
  summary: 'A file of KEY=value lines with values for secrets. Repeatable; later ones win.',
  helpValue: '<file>',
  multiple: true,
  multipleNonGreedy: true,
});
