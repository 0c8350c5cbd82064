import { createRequire } from 'node:module';

/** How esbuild makes one CommonJS file that runs by itself, for Node alone: docs/decisions/0005-start-up.md says why. */
export const bundleOptions = {
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'cjs',
  // Reading and compiling the file is most of a start. Names stay, for stacks in bug reports.
  minifySyntax: true,
  minifyWhitespace: true,
  lineLimit: 160,
  legalComments: 'linked',
  logLevel: 'warning',
  define: {
    'import.meta.url': '$importMetaUrl',
    'import.meta.dirname': '__dirname',
    'import.meta.filename': '__filename',
  },
  banner: { js: "const $importMetaUrl = require('node:url').pathToFileURL(__filename).href;" },
};

/** An esbuild plugin: zod without its messages in fifty languages, and without making schemas of JSON Schema, which copies all that it exports. */
export function leanZod() {
  return {
    name: 'lean-zod',
    setup(to) {
      to.onLoad({ filter: /[\\/]zod[\\/]v4[\\/]classic[\\/]from-json-schema\.js$/ }, () => ({
        contents: "export function fromJSONSchema() { throw new Error('z.fromJSONSchema is not in this bundle'); }",
      }));
      to.onLoad({ filter: /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({
        contents: "export { default as en } from './en.js';",
      }));
    },
  };
}

/** An esbuild plugin: these modules of Node are loaded when something of them is first used, and not by whoever imports them. */
export function lazyBuiltins(names) {
  const require = createRequire(import.meta.url);
  return {
    name: 'lazy-builtins',
    setup(to) {
      to.onResolve({ filter: new RegExp(`^(?:node:)?(?:${names.join('|')})$`) }, ({ path, namespace }) =>
        namespace === 'lazy' ? { path, external: true } : { path: path.replace('node:', ''), namespace: 'lazy' },
      );
      to.onLoad({ filter: /.*/, namespace: 'lazy' }, ({ path }) => {
        const getters = Object.keys(require(path)).map(
          (name) => `get ${name}() { return require('node:${path}').${name}; }`,
        );
        return { contents: `module.exports = { ${getters.join(', ')} };` };
      });
    },
  };
}
