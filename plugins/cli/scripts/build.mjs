// Bundles the bin into one file whose parts run when they are used: docs/decisions/0005-start-up.md has the measurements.
import { build } from 'esbuild';
import { readdir, rename, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleOptions, leanZod, lazyBuiltins } from '../../../scripts/bundle-options.mjs';
import { leanOclif } from './lean-oclif.mjs';
import { ownFiles } from './own-files.mjs';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');
// Moved into place in the end, so that a build that fails leaves the one that works.
const fresh = join(dist, 'fresh');
const options = {
  absWorkingDir: root,
  ...bundleOptions,
  external: [
    // oclif looks for these to run the sources of a plugin that is being developed.
    ...['typescript', 'tsx', 'ts-node', 'pnpapi'],
    // Optional native parts of a dependency, which does without them.
    ...['*.node', 'cpu-features'],
  ],
};

await rm(fresh, { recursive: true, force: true });
const files = await readdir(join(root, 'src', 'commands'), { recursive: true });
const commands = files
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
  .sort();
await build({
  ...options,
  stdin: { contents: entry(commands), resolveDir: root, sourcefile: 'entry.js' },
  outfile: join(fresh, 'cli.cjs'),
  plugins: [
    leanOclif(),
    leanZod(),
    lazyBuiltins(['crypto', 'child_process', 'readline', 'readline/promises']),
    ownFiles({ folder: fresh, options, except: ['@clusternator/core', 'zod', 'wsl-utils'] }),
  ],
});

for (const name of await readdir(dist)) {
  if (name !== 'types' && name !== 'fresh') await rm(join(dist, name), { recursive: true });
}
for (const name of await readdir(fresh)) await rename(join(fresh, name), join(dist, name));
await rmdir(fresh);

/** A getter each, so that only the command that runs is evaluated. */
function entry(files) {
  const getters = files.map((file) => {
    const id = file.replace(/\.ts$/, '').replaceAll('/', ':');
    return `  get '${id}'() { return require('./src/commands/${file}').default; },`;
  });
  return [
    "require('./src/interpret-schemas.ts');",
    "exports.start = (argv, root) => require('./src/main.ts').start(argv, root);",
    "exports.commandNotFound = (options) => require('./src/hooks/command-not-found.ts').default(options);",
    "exports.pluginInstalled = (options) => require('./src/hooks/plugin-installed.ts').default(options);",
    'exports.COMMANDS = {',
    ...getters,
    '};',
  ].join('\n');
}
