import { isMap, isScalar, LineCounter, parseDocument, visit, YAMLParseError, type Document } from 'yaml';
import { messageOf } from './cause.ts';
import { ConfigError, type ConfigProblem } from './problem.ts';

/** What a YAML or JSON file says, and where it says it. */
export interface TextFile {
  readonly data: unknown;
  /** Line and column, from 1, of a key or list item, or of the nearest thing above it. */
  locate(path: readonly string[]): { readonly line: number; readonly column: number } | undefined;
}

/** Enough for a file that repeats itself, far too few for one that is written to fill the memory. */
const MOST_ALIASES = 100;

/** JSON is read as JSON: what YAML adds to it would be a mistake there. @throws ConfigError with line and column. */
export function readTextFile(text: string, source: string, format: 'yaml' | 'json'): TextFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { merge: true, lineCounter: lines, prettyErrors: false });
  if (format === 'json') refuseInvalidJson(text, source);
  const dangling = danglingAliases(document);
  const problems = [...document.errors, ...dangling, ...(format === 'yaml' ? document.warnings : [])].map(
    (error): ConfigProblem => {
      const { line, col } = lines.linePos(error.pos[0]);
      return { path: '', message: error.message.charAt(0).toLowerCase() + error.message.slice(1), line, column: col };
    },
  );
  if (problems.length > 0) throw new ConfigError(problems, source);
  return { data: dataOf(document, source), locate: (path) => placeOf(document, lines, path) };
}

/** The parser finds them only when it makes data, and then without their place. */
function danglingAliases(document: Document.Parsed): YAMLParseError[] {
  const found: YAMLParseError[] = [];
  visit(document, {
    Alias(_, node) {
      const [start = 0, end = start] = node.range ?? [];
      if (!node.resolve(document))
        found.push(new YAMLParseError([start, end], 'BAD_ALIAS', `no anchor &${node.source} before it`));
    },
  });
  return found;
}

function refuseInvalidJson(text: string, source: string): void {
  try {
    JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (cause) {
    const message = messageOf(cause);
    const [, line, column] = /line (\d+) column (\d+)/.exec(message) ?? [];
    const place = line === undefined ? {} : { line: Number(line), column: Number(column) };
    const what = message.replace(/ in JSON at position.*$/s, '').replace(/, \.*".*$/s, '');
    throw new ConfigError([{ path: '', message: `is not valid JSON: ${what}`, ...place }], source, cause);
  }
}

function dataOf(document: Document, source: string): unknown {
  try {
    return document.toJS({ maxAliasCount: MOST_ALIASES });
  } catch (cause) {
    throw new ConfigError([{ path: '', message: `can not be read: ${messageOf(cause)}` }], source, cause);
  }
}

function placeOf(document: Document, lines: LineCounter, path: readonly string[]): ReturnType<TextFile['locate']> {
  for (let length = path.length; length > 0; length--) {
    const above = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true);
    const key = path[length - 1] ?? '';
    const start = startOfKey(above, key) ?? startOf(document.getIn(path.slice(0, length), true));
    if (start !== undefined) {
      const { line, col } = lines.linePos(start);
      return { line, column: col };
    }
  }
  return undefined;
}

function startOfKey(map: unknown, key: string): number | undefined {
  if (!isMap(map)) return undefined;
  return startOf(map.items.find((item) => isScalar(item.key) && String(item.key.value) === key)?.key);
}

function startOf(node: unknown): number | undefined {
  if (typeof node !== 'object' || node === null || !('range' in node)) return undefined;
  const range = node.range;
  return Array.isArray(range) && typeof range[0] === 'number' ? range[0] : undefined;
}
