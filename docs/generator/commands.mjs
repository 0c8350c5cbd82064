import { cell, prose } from './text.mjs';

/** From the manifests that oclif wrote. */
export function commandsPage(all) {
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
    prose(fill(command.summary ?? '', command.id)),
    '',
    ...(command.description && command.description !== command.summary
      ? [prose(fill(command.description, command.id)), '']
      : []),
    '```sh',
    ['clusternator', name, ...args].join(' '),
    ...(examples.length > 0 ? ['', '# for example', ...examples] : []),
    '```',
    '',
    ...Object.values(command.args).map((arg) => `- \`${arg.name}\`: ${prose(arg.description ?? '')}`),
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
