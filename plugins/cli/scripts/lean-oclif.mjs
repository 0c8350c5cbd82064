import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';

/** Where oclif has what our code imports from it. */
const PARTS = {
  Args: 'args.js',
  Command: 'command.js',
  Config: 'config/index.js',
  Errors: 'errors/index.js',
  Flags: 'flags.js',
  run: 'main.js',
  settings: 'settings.js',
  toConfiguredId: 'util/ids.js',
};
/** Parts that are whole modules; the others are an export of theirs. */
const FEWEST_IMPORTS = 100;
const MODULES = new Set(['Args', 'Errors', 'Flags']);

/**
 * An esbuild plugin: each module of oclif is evaluated when it is first used. As published, all of it is whenever any is: 25 ms, of
 * which a command that just runs needs 10. What `tsc` makes of an import is a line that is easily told.
 */
export function leanOclif() {
  const lib = dirname(createRequire(import.meta.url).resolve('@oclif/core'));
  return {
    name: 'lean-oclif',
    setup(to) {
      let made = 0;
      to.onEnd(() => {
        if (made < FEWEST_IMPORTS) throw new Error(`oclif is written differently: only ${made} imports were made lazy`);
      });
      to.onResolve({ filter: /^@oclif\/core$/ }, () => ({ path: 'parts', namespace: 'oclif' }));
      to.onLoad({ filter: /^parts$/, namespace: 'oclif' }, () => ({ contents: parts(), resolveDir: lib }));
      to.onLoad({ filter: /@oclif[\\/]core[\\/]lib[\\/].*\.js$/ }, async ({ path }) => ({
        // Ids are ASCII; the first comparison by a language's rules loads them all, 6 ms.
        contents: lazy(await readFile(path, 'utf8'), () => made++).replaceAll(
          'a.id.localeCompare(b.id)',
          '(a.id < b.id ? -1 : 1)',
        ),
      }));
    },
  };
}

function parts() {
  const getters = Object.entries(PARTS).map(([name, file]) => {
    const one = MODULES.has(name) ? '' : `.${name}`;
    return `  get ${name}() { return require('./${file}')${one}; },`;
  });
  return ['module.exports = {', ...getters, '};'].join('\n');
}

/** `const x_1 = require("x");` becomes a function, and each use of `x_1` a call of it. */
function lazy(text, count) {
  const names = [];
  const declared = text.replaceAll(
    /^const (\w+_\d+) = (__import(?:Default|Star)\()?require\(("[^"]+")\)\)?;$/gm,
    (_, name, wrapper, module) => {
      names.push(name);
      count();
      const value = wrapper ? `${wrapper}require(${module}))` : `require(${module})`;
      return `let value$${name}; const get$${name} = () => (value$${name} ??= ${value});`;
    },
  );
  // A name stands alone: not in get$name, not as a member of something.
  return names.reduce(
    (code, name) => code.replaceAll(new RegExp(`(?<![\\w$.])${name}\\b`, 'g'), `(get$${name}())`),
    declared,
  );
}
