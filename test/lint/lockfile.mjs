/**
 * Holds package-lock.json to two rules, or with --write makes it so:
 * it names no registry's host, and it has an entry for every optional dependency. npm leaves those out that the registry
 * at hand did not have (binaries for other platforms), and then refuses its own lock file in `npm ci`.
 */
import { readFileSync, writeFileSync } from 'node:fs';

const file = new URL('../../package-lock.json', import.meta.url);
const lock = JSON.parse(readFileSync(file, 'utf8'));
const packages = lock.packages;
const systems = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32'];
const processors = ['arm64', 'arm', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'x64', 'wasm32'];

const hosts = Object.entries(packages)
  .filter(([, entry]) => !entry.link && /^https?:/.test(entry.resolved ?? ''))
  .map(([where]) => where);
const absent = Object.entries(packages).flatMap(([where, entry]) =>
  Object.entries(entry.optionalDependencies ?? {})
    .filter(([name]) => !resolves(where, name))
    .map(([name, range]) => ({ name, range, dev: entry.dev })),
);

if (process.argv.includes('--write')) {
  for (const where of hosts) delete packages[where].resolved;
  for (const { name, range, dev } of absent) packages[`node_modules/${name}`] ??= entryOf(name, range, dev);
  const { '': top, ...others } = packages;
  const sorted = Object.keys(others).sort((a, b) => a.localeCompare(b, 'en'));
  lock.packages = { '': top, ...Object.fromEntries(sorted.map((where) => [where, others[where]])) };
  writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
  console.log(`${absent.length} entries added, ${hosts.length} hosts removed`);
} else if (hosts.length + absent.length > 0) {
  for (const where of hosts) console.error(`${where} names the host of a registry`);
  for (const { name } of absent) console.error(`${name} is optional and has no entry`);
  console.error('Mend it with: node test/lint/lockfile.mjs --write');
  process.exitCode = 1;
}

function resolves(where, name) {
  for (let folder = where; ; folder = folder.replace(/(^|\/)node_modules\/(@[^/]+\/)?[^/]+$|^[^/]+(\/[^/]+)*$/, '')) {
    if (packages[`${folder ? `${folder}/` : ''}node_modules/${name}`]) return true;
    if (folder === '') return false;
  }
}

function entryOf(name, range, dev) {
  const words = name.split(/[/-]/);
  const os = systems.filter((system) => words.includes(system));
  const cpu = processors.filter((processor) => words.includes(processor));
  return {
    version: range.replace(/^[\^~>=]+/, ''),
    ...(cpu.length > 0 && { cpu }),
    ...(dev && { dev }),
    optional: true,
    ...(os.length > 0 && { os }),
  };
}
