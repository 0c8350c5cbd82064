import { cell } from './text.mjs';

/** What the kit covers, and which wrong provider each case is known to catch. */
export function conformancePage(cases, mutants) {
  const rows = cases.map(({ id, number, title, needs = [], drivers }) => {
    const caught = mutants.filter(({ caughtBy }) => caughtBy.includes(id)).map((mutant) => `\`${mutant.id}\``);
    const wants = [...drivers.map((driver) => `driver: ${driver}`), ...needs].join(', ');
    return `| ${number} | ${cell(title)}<br>\`${id}\` | ${wants} | ${caught.join(', ')} |`;
  });
  return [
    '# Conformance cases',
    '',
    'Generated from `@clusternator/conformance` by `npm run docs`. `clusternator provider test <id>` runs them against a provider.',
    'The last column names variants of the memory provider that are wrong in one thing, which the case has to catch: a unit test fails when',
    'one survives, or when a case catches none.',
    '',
    '| no. | what must hold | needs | catches |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
    '## The wrong providers',
    '',
    '| provider | what it does wrong |',
    '| --- | --- |',
    ...mutants.map(({ id, says }) => `| \`${id}\` | ${cell(says)} |`),
    '',
  ].join('\n');
}
