import { readFileSync } from 'node:fs';
import ts from 'typescript';
import { cell } from './text.mjs';

/** From the interfaces that `EngineEvent` is the union of. */
export function eventsPage(file) {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
  const events = source.statements.filter((it) => ts.isInterfaceDeclaration(it));
  return [
    '# Events',
    '',
    'Generated from the type `EngineEvent` of `@clusternator/core` by `npm run docs`.',
    'Whoever opens a project is told what the engine does by events; the commands print them as progress.',
    '',
    ...events.flatMap(sectionOf),
  ].join('\n');
}

function sectionOf(event) {
  const [type, ...fields] = event.members;
  const rows = fields.map(
    (field) =>
      `| \`${field.name.getText()}\` | \`${field.type.getText().replaceAll('|', '\\|')}\` | ${field.questionToken ? 'no' : 'yes'} | ${cell(commentOf(field))} |`,
  );
  return [
    `## ${type.type.getText().replaceAll("'", '')}`,
    '',
    commentOf(event),
    '',
    '| field | type | always there | meaning |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
  ];
}

function commentOf(node) {
  return ts
    .getJSDocCommentsAndTags(node)
    .map(({ comment }) => ts.getTextOfJSDocComment(comment) ?? '')
    .join(' ');
}
