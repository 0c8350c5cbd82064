import { z } from 'zod';
import { commandSchema, openSchema, routeSchema, treePathSchema } from './fields.ts';
import { installSchema, withInstall } from './install.ts';

/** Static files. */
export const siteSchema = z
  .strictObject({
    install: installSchema
      .optional()
      .describe('Runs once in the checkout, before the build: a command, or { run, inputs, outputs }.'),
    build: commandSchema.optional().describe('Makes the files. Left out: they are in the commit.'),
    dir: treePathSchema.describe('The folder that is served.'),
    route: routeSchema.prefault('/').describe("Its path under the environment's host."),
    fallback: treePathSchema
      .optional()
      .describe(
        'The file in the folder that answers unknown paths with 200, such as index.html of a single-page application.',
      ),
    native: openSchema.optional().describe('Laid over what the cloud is asked for, as the cloud spells it.'),
  })
  .transform(withInstall);

/** A site with its defaults. */
export type SiteConfig = z.output<typeof siteSchema>;
