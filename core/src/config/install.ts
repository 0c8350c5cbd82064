import { z } from 'zod';
import type { InstallCache } from '../cache/cached-install.ts';
import { commandSchema, treePathSchema } from './fields.ts';

const paths = z
  .array(treePathSchema.refine((path) => path !== '.', 'must not be the whole checkout'))
  .min(1)
  .max(50);

/** A command, or a command with what it goes by and what it makes. */
export const installSchema = z.union([
  commandSchema,
  z.strictObject({
    run: commandSchema.describe('The command.'),
    inputs: paths.describe('Files of the checkout. While they are the same, the command is not run again.'),
    outputs: paths.describe('Folders that the command makes of them. They are kept, and put in place.'),
  }),
]);

/** What `install` becomes. */
export interface Install {
  readonly install?: readonly string[];
  readonly installCache?: InstallCache;
}

/** `install` as the engine has it: the command, and beside it what it goes by. */
export function withInstall<T extends { readonly install?: z.output<typeof installSchema> | undefined }>({
  install,
  ...part
}: T): Omit<T, 'install'> & Install {
  if (install === undefined) return part;
  if (!('run' in install)) return { ...part, install };
  const { run, ...installCache } = install;
  return { ...part, install: run, installCache };
}
