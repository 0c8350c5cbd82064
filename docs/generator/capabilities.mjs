import { pathToFileURL } from 'node:url';
import path from 'node:path';
import { readFileSync } from 'node:fs';
import { CAPABILITIES } from '@clusternator/core';
import { cell } from './text.mjs';

/** A column for each way to run each provider: its `examples`. */
export async function capabilitiesPage(folders) {
  const columns = (await Promise.all(folders.map(columnsOf))).flat();
  const heads = columns.map(({ title }) => title);
  const rows = Object.entries(CAPABILITIES).map(
    ([name, meaning]) =>
      `| \`${name}\` | ${cell(meaning)} | ${columns.map(({ can }) => answerOf(can[name])).join(' | ')} |`,
  );
  const notes = columns.flatMap(({ title, can }) =>
    Object.entries(can).flatMap(([name, { note }]) => (note ? [`- **${title}**, \`${name}\`: ${cell(note)}`] : [])),
  );
  return [
    '# Capabilities of the providers',
    '',
    'Generated from the providers by `npm run docs`. `clusternator provider show <id>` prints those of one, also of one that you installed.',
    'What a config asks for and its provider lacks is an error of `clusternator config validate`, before anything is made.',
    '',
    `| capability | what a yes promises | ${heads.join(' | ')} |`,
    `| --- | --- | ${heads.map(() => '---').join(' | ')} |`,
    ...rows,
    '',
    '## Notes',
    '',
    ...notes,
    '',
  ].join('\n');
}

async function columnsOf(folder) {
  const { clusternator } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
  const { default: exported } = await import(pathToFileURL(path.join(folder, clusternator.provider.entry)).href);
  const provider = exported.default ?? exported; // of a CommonJS bundle it is within module.exports
  return Object.entries(provider.examples).map(([kind, config]) => ({
    title: `${provider.id}: ${kind}`,
    can: provider.capabilities(provider.config.parse(config)),
  }));
}

function answerOf(capability) {
  if (capability?.can !== 'yes') return 'no';
  return capability.limit === undefined ? 'yes' : `yes, up to ${capability.limit}`;
}
