/**
 * Writes docs/reference from what was built: the config's schema, the commands, the error codes.
 * With --check it writes nothing, and fails when a page is not what it would write.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { configJsonSchema } from '@clusternator/core';
import { ERROR_CODES, EXIT_CODES, EXIT_OF_ERROR } from '../plugins/cli/src/errors.ts';

const root = path.resolve(import.meta.dirname, '..');
const folder = path.join(import.meta.dirname, 'reference');
const manifests = ['plugins/cli', 'providers/local'];
const pages = {
  'config.md': configPage(await configJsonSchema()),
  'errors.md': errorsPage(),
  'commands.md': commandsPage(manifests.map((name) => json(path.join(root, name, 'oclif.manifest.json')))),
};

const checking = process.argv.includes('--check');
mkdirSync(folder, { recursive: true });
for (const [name, text] of Object.entries(pages)) {
  const file = path.join(folder, name);
  const now = existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  if (now === text) continue;
  if (checking) {
    console.error(`docs/reference/${name} is not what the code says. Write it again with: npm run docs`);
    process.exitCode = 1;
  } else {
    writeFileSync(file, text);
    console.log(`wrote docs/reference/${name}`);
  }
}

function json(file) {
  return JSON.parse(readFileSync(file, 'utf8'));
}

function configPage(schema) {
  const rows = [];
  collect(schema, '', rows);
  const lines = rows.map(
    ({ key, type, standard, about }) => `| \`${key}\` | ${cell(type)} | ${standard} | ${cell(about)} |`,
  );
  return [
    '# Config reference',
    '',
    'Generated from the schema by `npm run docs`. The guide is [Configuration](../guide/configuration.md).',
    '`<name>` stands for a name that you choose, `[]` for each item of a list.',
    '',
    '| key | type | default | meaning |',
    '| --- | --- | --- | --- |',
    ...lines,
    '',
  ].join('\n');

  function collect(node, at, into) {
    const shape = resolved(node);
    for (const [name, value] of Object.entries(shape.properties ?? {})) {
      const key = at ? `${at}.${name}` : name;
      const target = resolved(value);
      const required = shape.required?.includes(name) && target.default === undefined;
      const standard =
        target.default === undefined ? (required ? 'required' : '') : `\`${JSON.stringify(target.default)}\``;
      into.push({ key, type: typeOf(value), standard, about: value.description ?? target.description ?? '' });
      for (const form of formsOf(value)) collectInside(form, key, into);
    }
  }

  function collectInside(form, key, into) {
    if (form.properties) collect(form, key, into);
    if (isOpen(form))
      for (const inner of formsOf(form.additionalProperties)) collectInside(inner, `${key}.<name>`, into);
    if (form.items) for (const inner of formsOf(form.items)) collectInside(inner, `${key}[]`, into);
  }

  function resolved(node) {
    if (!node?.$ref) return node ?? {};
    const { $ref, ...rest } = node;
    return { ...schema.$defs[$ref.replace('#/$defs/', '')], ...rest };
  }

  function formsOf(node) {
    const shape = resolved(node);
    return (shape.anyOf ?? shape.oneOf) ? (shape.anyOf ?? shape.oneOf).flatMap(formsOf) : [shape];
  }

  function isOpen(form) {
    return typeof form.additionalProperties === 'object' && Object.keys(form.additionalProperties).length > 0;
  }

  function typeOf(node) {
    return [...new Set(formsOf(node).map(nameOf))].join(' or ');
  }

  function nameOf(form) {
    if (form.enum) return form.enum.map((value) => `\`${value}\``).join(', ');
    if (form.const !== undefined) return `\`${form.const}\``;
    if (form.type === 'array') return `list of ${typeOf(form.items ?? {})}`;
    if (form.type === 'object') return isOpen(form) ? `map of ${typeOf(form.additionalProperties)}` : 'object';
    return Array.isArray(form.type) ? form.type.join(' or ') : (form.type ?? 'anything');
  }
}

function errorsPage() {
  const exits = Object.entries(EXIT_CODES).map(([code, text]) => `| ${code} | ${cell(text)} |`);
  const contexts = [{}, { operationFailed: true }, { goesOn: true }];
  const exitsOf = (exit) =>
    typeof exit === 'function' ? [...new Set(contexts.map((context) => exit(context)))].join(', ') : exit;
  const errors = Object.entries(ERROR_CODES).map(
    ([code, text]) => `| \`${code}\` | ${cell(text)} | ${exitsOf(EXIT_OF_ERROR[code])} |`,
  );
  return [
    '# Exit codes and error codes',
    '',
    'Generated from the tables of the command line by `npm run docs`.',
    '',
    'With `--json` every command prints one document:',
    '`{ ok, data, operation?, warnings, error?: { code, message, hint, path } }`.',
    'Act on `error.code` and on the exit code, never on the words of a message.',
    '`env exec` ends with the exit code of its command.',
    '',
    '## Exit codes',
    '',
    '| exit code | meaning |',
    '| --- | --- |',
    ...exits,
    '',
    '## Error codes',
    '',
    'Where several exit codes are given: the second when the operation of the command ended as failed, the third when it',
    'goes on in the background.',
    '',
    '| `error.code` | meaning | exit code |',
    '| --- | --- | --- |',
    ...errors,
    '',
  ].join('\n');
}

function commandsPage(all) {
  const commands = all
    .flatMap((manifest) => Object.values(manifest.commands))
    .filter((command) => !command.hidden)
    .sort((a, b) => a.id.localeCompare(b.id, 'en'));
  const common = Object.values(commands[0]?.flags ?? {}).filter(
    (flag) =>
      commands.filter((command) => command.flags[flag.name]?.summary === flag.summary && flag.helpGroup === 'GLOBAL')
        .length >
      commands.length / 2,
  );
  const isCommon = (flag) => common.some((other) => other.name === flag.name);
  return [
    '# Commands',
    '',
    'Generated from the commands by `npm run docs`.',
    '',
    '## Flags of most commands',
    '',
    ...flagTable(common),
    ...commands.flatMap((command) => commandSection(command, (flag) => !isCommon(flag))),
  ].join('\n');
}

function commandSection(command, wanted) {
  const name = command.id.replaceAll(':', ' ');
  const args = Object.values(command.args).map((arg) => {
    const text = arg.multiple ? `${arg.name}…` : arg.name;
    return arg.required ? `<${text}>` : `[${text}]`;
  });
  const examples = (command.examples ?? []).map(exampleText).map((text) => fill(text, command.id));
  return [
    `## ${name}`,
    '',
    fill(command.summary ?? '', command.id),
    '',
    ...(command.description && command.description !== command.summary
      ? [fill(command.description, command.id), '']
      : []),
    '```sh',
    ['clusternator', name, ...args].join(' '),
    ...(examples.length > 0 ? ['', '# for example', ...examples] : []),
    '```',
    '',
    ...Object.values(command.args).map((arg) => `- \`${arg.name}\`: ${arg.description ?? ''}`),
    ...(Object.keys(command.args).length > 0 ? [''] : []),
    ...flagTable(Object.values(command.flags).filter(wanted)),
  ];
}

function exampleText(example) {
  return typeof example === 'string' ? example : example.command;
}

function fill(text, id) {
  return text.replaceAll('<%= config.bin %>', 'clusternator').replaceAll('<%= command.id %>', id.replaceAll(':', ' '));
}

function flagTable(flags) {
  if (flags.length === 0) return [];
  const rows = flags.map((flag) => {
    const long = flag.allowNo ? `--[no-]${flag.name}` : `--${flag.name}`;
    const name = flag.char ? `-${flag.char}, ${long}` : long;
    const value =
      flag.type === 'option' ? ` ${flag.options ? flag.options.join('\\|') : (flag.helpValue ?? '<value>')}` : '';
    return `| \`${name}${value}\` | ${cell(flag.summary ?? flag.description ?? '')} |`;
  });
  return ['| flag | meaning |', '| --- | --- |', ...rows, ''];
}

function cell(text) {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
