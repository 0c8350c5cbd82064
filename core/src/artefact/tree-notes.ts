import { z } from 'zod';

const schema = z.object({
  submodules: z.array(z.string()).readonly(),
  lfsPointers: z.array(z.string()).readonly(),
  gitlinks: z.record(z.string(), z.string()).readonly(),
});
/** What a source tree lacks, kept with it, so that it is told each time. See `CheckoutReport`. */
export type TreeNotes = z.output<typeof schema>;
export const NO_NOTES: TreeNotes = { submodules: [], lfsPointers: [], gitlinks: {} };

/** The notes of a stored artefact. */
export function treeNotes(json: string): TreeNotes {
  return schema.parse(JSON.parse(json));
}
