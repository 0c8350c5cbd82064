/**
 * The public surface of the packages that others build on, as text that is committed: core/api.txt and so on. A change of it is seen in review,
 * and one that nobody meant fails here. With --write it writes the reports. An export without a comment fails, too.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

const root = path.resolve(import.meta.dirname, '..', '..');
const entries = {
  'core/api.txt': 'core/dist/index.d.ts',
  'core/api-provider.txt': 'core/dist/provider.d.ts',
  'test/conformance/api.txt': 'test/conformance/dist/index.d.ts',
};
const writing = process.argv.includes('--write');
const files = Object.values(entries).map((file) => path.join(root, file));
const program = ts.createProgram(files, {
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  target: ts.ScriptTarget.ES2024,
  skipLibCheck: true,
  noEmit: true,
});
const checker = program.getTypeChecker();
const printer = ts.createPrinter({ removeComments: true });

for (const [report, entry] of Object.entries(entries)) {
  const source = program.getSourceFile(path.join(root, entry));
  const module = source && checker.getSymbolAtLocation(source);
  if (!module) throw new Error(`${entry} is missing: npm run build`);
  const symbols = checker
    .getExportsOfModule(module)
    .map((symbol) => ({ name: symbol.name, target: targetOf(symbol) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const silent = symbols.filter(({ target }) => !isDocumented(target)).map(({ name }) => name);
  if (silent.length > 0) fail(`${entry}: exported without a comment: ${silent.join(', ')}`);
  const text = `${symbols.map(({ name, target }) => textOf(name, target)).join('\n\n')}\n`;
  const file = path.join(root, report);
  if (writing) writeFileSync(file, text);
  else if (!existsSync(file) || readFileSync(file, 'utf8') !== text)
    fail(
      `${report} is not what ${entry} says. If the change is meant: node test/lint/api-report.mjs --write, and a line in CHANGELOG.md`,
    );
}

function targetOf(symbol) {
  return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
}

function isDocumented(symbol) {
  return symbol.getDocumentationComment(checker).length > 0 || symbol.getJsDocTags(checker).length > 0;
}

/** The compiler writes the parts of a type that it inferred in the order in which it met them, which a build from scratch changes. */
function inOrder(file) {
  const text = (node) => printer.printNode(ts.EmitHint.Unspecified, node, file);
  const sorted = (nodes) =>
    nodes
      .map((node) => [text(node), node])
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, node]) => node);
  return (context) => {
    const visit = (node) => {
      const whole = ts.visitEachChild(node, visit, context);
      if (ts.isUnionTypeNode(whole)) return ts.factory.updateUnionTypeNode(whole, sorted(whole.types));
      if (ts.isTypeLiteralNode(whole)) return ts.factory.updateTypeLiteralNode(whole, sorted(whole.members));
      return whole;
    };
    return (node) => ts.visitNode(node, visit);
  };
}

function textOf(name, symbol) {
  const declarations = symbol.declarations ?? [];
  const texts = declarations.map((node) => {
    const whole = ts.isVariableDeclaration(node) ? node.parent.parent : node;
    const file = whole.getSourceFile();
    const { transformed } = ts.transform(whole, [inOrder(file)]);
    return printer.printNode(ts.EmitHint.Unspecified, transformed[0], file);
  });
  return [`// ${name}`, ...texts].join('\n');
}

function fail(message) {
  console.error(message);
  process.exitCode = 1;
}
