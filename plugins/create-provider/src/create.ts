import { CORE_VERSION, nameProblem, ProviderError } from '@clusternator/core';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { namesOf, renamed } from './names.ts';
import { DRIVERS, harnessWith, providerWith, type Driver } from './scaffold.ts';

export { DRIVERS, type Driver };

export interface ProviderRequest {
  /** As in `provider: <id>`. */
  readonly id: string;
  /** The folder to make. It must be empty or not be there. */
  readonly folder: string;
  /** Left out: all. */
  readonly drivers?: readonly Driver[];
}

const PACKAGE = join(import.meta.dirname, '..');
/** npm leaves files of these names out of a package. */
const REAL_NAMES: Readonly<Record<string, string>> = { gitignore: '.gitignore', github: '.github' };

/**
 * Writes a provider package that builds and passes the conformance kit as it is: with a stand-in of its cloud, to be replaced call by call.
 * @returns The files written, relative to the folder.
 * @throws ProviderError `invalid` for the id or no driver; `already-exists`: the folder has something in it.
 */
export async function createProvider({ id, folder, drivers = DRIVERS }: ProviderRequest): Promise<readonly string[]> {
  const problem = nameProblem(id);
  if (problem !== undefined)
    throw new ProviderError('invalid', `"${id}" can't be a provider's id: ${problem}`, { path: 'name' });
  if (drivers.length === 0) {
    throw new ProviderError('invalid', 'a provider has at least one driver', {
      path: '--with',
      hint: `one or more of ${DRIVERS.join(', ')}`,
    });
  }
  const there = await readdir(folder).catch(() => []);
  if (there.length > 0) {
    throw new ProviderError('already-exists', `${resolve(folder)} is not empty`, {
      hint: 'name another folder with --dir, or empty it',
    });
  }
  const texts = new Map([...(await staticFiles(id)), ...(await sources(id, new Set(drivers)))]);
  for (const [file, text] of texts) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), text);
  }
  return [...texts.keys()].sort();
}

async function sources(id: string, wanted: ReadonlySet<Driver>): Promise<[file: string, text: string][]> {
  const names = namesOf(id);
  const left = DRIVERS.filter((driver) => !wanted.has(driver)).map((driver) => `${driver}.ts`);
  const all = await filesIn(join(PACKAGE, 'templates'));
  return all
    .filter(([file]) => !left.includes(file))
    .map(([file, text]) => {
      const kept =
        file === 'index.ts' ? providerWith(text, wanted) : file === 'conformance.ts' ? harnessWith(text, wanted) : text;
      return [`src/${file}`, renamed(kept, names)];
    });
}

async function staticFiles(id: string): Promise<[file: string, text: string][]> {
  const all = await filesIn(join(PACKAGE, 'files'));
  const { pascal, constant } = namesOf(id);
  const values: Readonly<Record<string, string>> = {
    id,
    pascal,
    constant,
    core: CORE_VERSION,
    year: String(new Date().getFullYear()),
  };
  const license = await readFile(join(PACKAGE, 'LICENSE'), 'utf8').catch(() =>
    readFile(join(PACKAGE, '..', '..', 'LICENSE'), 'utf8'),
  );
  return [
    ...all.map(([file, text]): [string, string] => [
      file
        .split('/')
        .map((part) => REAL_NAMES[part] ?? part)
        .join('/')
        .replace(/\.template$/, ''),
      text.replaceAll(/\[\[(\w+)\]\]/g, (whole, key: string) => values[key] ?? whole),
    ]),
    ['LICENSE', license],
  ];
}

async function filesIn(folder: string): Promise<[file: string, text: string][]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Promise.all(
    files.map(async (file): Promise<[string, string]> => [
      file.slice(folder.length + 1).replaceAll('\\', '/'),
      await readFile(file, 'utf8'),
    ]),
  );
}
