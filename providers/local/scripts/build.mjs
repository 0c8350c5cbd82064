// Bundles what the command line loads of this provider into one file whose parts run when they are used:
// docs/decisions/0020-what-a-command-loads.md has the measurements. The daemon, and the commands, are run from what tsc made.
import { build } from 'esbuild';
import { readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleOptions, leanZod } from '../../../scripts/bundle-options.mjs';

const root = join(import.meta.dirname, '..');
const { dependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
const inside = ['@clusternator/core', 'zod'];
// A folder beside those that tsc makes, so that `../daemon/main.js` leads to the same place.
const folder = join(root, 'dist', 'bundle');
const fresh = join(folder, 'fresh.cjs');
await build({
  ...bundleOptions,
  absWorkingDir: root,
  entryPoints: ['src/index.ts'],
  outfile: fresh,
  legalComments: 'none', // what is inside is in node_modules, too
  external: Object.keys(dependencies).filter((name) => !inside.includes(name)),
  plugins: [leanZod()],
});
// Moved into place in the end: a command may be loading it.
await rename(fresh, join(folder, 'provider.cjs'));
