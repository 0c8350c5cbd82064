import { build } from 'esbuild';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * An esbuild plugin: a package that is imported where it is used, with `import()`, becomes a file of its own, so that commands which
 * don't use it don't read it.
 */
export function ownFiles({ folder, options, except }) {
  const made = new Map();
  const stays = (path) => path.startsWith('node:') || except.includes(path);
  return {
    name: 'own-files',
    setup(to) {
      to.onResolve({ filter: /^[@a-z]/ }, async ({ path, kind, resolveDir, pluginData }) => {
        if (kind !== 'dynamic-import' || pluginData === 'own' || stays(path)) return undefined;
        const found = await to.resolve(path, { kind, resolveDir, pluginData: 'own' });
        return found.errors.length > 0 || found.external
          ? found
          : { path: found.path, namespace: 'own-file', pluginData: path };
      });
      to.onLoad({ filter: /.*/, namespace: 'own-file' }, async ({ path, pluginData: name }) => {
        const file = `${name.replaceAll(/[^a-z0-9-]+/gi, '_')}.cjs`;
        // What Node itself shows of the package: named exports of CommonJS are found by running it.
        const names = Object.keys(await import(pathToFileURL(path).href)).filter(
          (one) => /^[\w$]+$/.test(one) && one !== 'module.exports',
        );
        if (!made.has(file)) made.set(file, bundle(path, names, file));
        await made.get(file);
        // Under another name inside, since a package may export words such as `catch`.
        const exports = names.map(
          (one, at) => `const own${at} = own[${JSON.stringify(one)}]; export { own${at} as ${one} };`,
        );
        return { contents: [`const own = require('./lazy/${file}');`, ...exports].join('\n'), loader: 'js' };
      });
      to.onResolve({ filter: /^\.\/lazy\// }, ({ path }) => ({ path, external: true }));
    },
  };

  function bundle(path, names, file) {
    const contents = `export { ${names.join(', ')} } from ${JSON.stringify(path)};`;
    return build({
      ...options,
      stdin: { contents, resolveDir: options.absWorkingDir },
      outfile: join(folder, 'lazy', file),
    });
  }
}
