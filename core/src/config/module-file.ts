import { existsSync, readFileSync } from 'node:fs';
import { createRequire, registerHooks } from 'node:module';
import { dirname, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { codeOf, messageOf } from './cause.ts';
import { ConfigError } from './problem.ts';

/** What a config file may import from us, without node_modules beside it: a commit is checked out without any. */
const OWN_SPECIFIERS: ReadonlySet<string> = new Set(['@clusternator/core', 'clusternator']);
const OWN_URL = 'clusternator:config';
const OWN_SOURCE = 'export const defineConfig = (config) => config;\n';
const LOAD = 'clusternator-load';
let loads = 0;

/**
 * Runs a config file of TypeScript or JavaScript, and gives its default export. Each call runs it, and what it imports from the tree, anew:
 * the same path may hold another commit. @throws ConfigError.
 */
export async function importConfig(file: string, source: string): Promise<unknown> {
  loads += 1;
  const url = pathToFileURL(file);
  url.searchParams.set(LOAD, String(loads));
  forgetCommonJs(dirname(file));
  const hooks = configHooks(url.searchParams.toString());
  try {
    const namespace = (await import(url.href)) as { readonly default?: unknown }; // whatever else it exports is not looked at
    if (namespace.default === undefined) {
      throw new ConfigError(
        [{ path: '', message: 'has no default export', hint: 'export default defineConfig({ … })' }],
        source,
      );
    }
    return namespace.default;
  } catch (cause) {
    throw cause instanceof ConfigError ? cause : failedToRun(cause, source);
  } finally {
    hooks.deregister();
  }
}

/** `require` keeps what it read by path alone, and a mark on the URL does not reach it. */
function forgetCommonJs(folder: string): void {
  const { cache } = createRequire(import.meta.url);
  for (const path of Object.keys(cache)) {
    if (path.startsWith(folder + sep) && !path.includes(`${sep}node_modules${sep}`))
      Reflect.deleteProperty(cache, path);
  }
}

/** Lets a config import us, and marks its own imports with the load that they belong to, so that none comes from an earlier one. */
function configHooks(mark: string): { deregister(): void } {
  return registerHooks({
    resolve(specifier, context, next) {
      if (OWN_SPECIFIERS.has(specifier) && context.parentURL?.includes(mark) === true) {
        return { url: OWN_URL, format: 'module', shortCircuit: true };
      }
      const resolved = next(specifier, context);
      const isEntry = resolved.url.includes(mark);
      const isOfConfig = isEntry || (context.parentURL?.includes(mark) === true && isOwnFile(resolved.url));
      if (!isOfConfig) return resolved;
      const url = isEntry ? resolved.url : `${resolved.url}?${mark}`;
      // Saying the format keeps Node from guessing it, and from warning that it had to.
      const format = formatOf(fileURLToPath(url));
      return { ...resolved, url, ...(format !== undefined && { format }) };
    },
    load(url, context, next) {
      return url === OWN_URL ? { format: 'module', source: OWN_SOURCE, shortCircuit: true } : next(url, context);
    },
  });
}

function isOwnFile(url: string): boolean {
  return url.startsWith('file:') && !url.includes('/node_modules/');
}

function formatOf(path: string): 'module-typescript' | 'module' | undefined {
  if (/\.m?ts$/.test(path)) return 'module-typescript';
  return path.endsWith('.mjs') || (path.endsWith('.js') && isModule(path)) ? 'module' : undefined;
}

/** By its syntax: a tree without a package.json says nothing of the format of its .js files. */
function isModule(file: string): boolean {
  return existsSync(file) && /^\s*(?:import|export)\b/m.test(readFileSync(file, 'utf8'));
}

function failedToRun(cause: unknown, source: string): ConfigError {
  const [message = ''] = messageOf(cause).split('\n');
  const hint =
    codeOf(cause) === 'ERR_MODULE_NOT_FOUND'
      ? 'a config can import files of its own repository by their full name, and @clusternator/core; nothing is installed beside it'
      : undefined;
  return new ConfigError(
    [{ path: '', message: `failed to run: ${message}`, ...(hint !== undefined && { hint }) }],
    source,
    cause,
  );
}
