/**
 * Writes docs/reference and docs/pictures from what was built: the config's schema, the commands, the tables of errors and events, the
 * providers' capabilities, the conformance kit's cases. With --check it writes nothing, and fails when a file is not what it would write.
 */
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { configJsonSchema } from '@clusternator/core';
import { capabilitiesPage } from './generator/capabilities.mjs';
import { commandsPage } from './generator/commands.mjs';
import { conformancePage } from './generator/conformance.mjs';
import { configPage } from './generator/config.mjs';
import { errorsPage } from './generator/errors.mjs';
import { eventsPage } from './generator/events.mjs';
import { pictures } from './generator/pictures.mjs';
import { CASES } from '../test/conformance/dist/index.js';
import { MUTANTS } from '../test/conformance/dist/mutants/all.js';

const root = path.resolve(import.meta.dirname, '..');
const providers = globSync('providers/*', { cwd: root }).sort();
const manifests = ['plugins/cli', 'plugins/create-provider', ...providers].map((name) =>
  path.join(root, name, 'oclif.manifest.json'),
);

const files = {
  'reference/config.md': configPage(await configJsonSchema()),
  'reference/errors.md': errorsPage(),
  'reference/commands.md': commandsPage(manifests.filter(existsSync).map(json)),
  'reference/events.md': eventsPage(path.join(root, 'core/src/engine/events.ts')),
  'reference/capabilities.md': await capabilitiesPage(providers.map((name) => path.join(root, name))),
  'reference/conformance.md': conformancePage(CASES, MUTANTS),
  ...(await pictures(import.meta.dirname)),
};

const checking = process.argv.includes('--check');
for (const [name, text] of Object.entries(files)) {
  const file = path.join(import.meta.dirname, name);
  const now = existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  if (now === text) continue;
  if (checking) {
    console.error(`docs/${name} is not what the code says. Write it again with: npm run docs`);
    process.exitCode = 1;
  } else {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
    console.log(`wrote docs/${name}`);
  }
}

function json(file) {
  return JSON.parse(readFileSync(file, 'utf8'));
}
