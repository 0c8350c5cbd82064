/**
 * Writes the documentation as a site into docs/dist. Markdown stays where it is read on a code host; here each page gets
 * the same path with .html. A link to a page that isn't there fails the build.
 */
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Marked } from 'marked';

const root = path.resolve(import.meta.dirname, '..');
const out = path.join(import.meta.dirname, 'dist');
const patterns = [
  'README.md',
  'CHANGELOG.md',
  'docs/{guide,reference,decisions}/*.md',
  'docs/examples/README.md',
  'docs/examples/*/README.md',
  'providers/*/*.md',
];
const sections = [
  ['Guide', 'docs/guide/'],
  ['Reference', 'docs/reference/'],
  ['Examples', 'docs/examples/'],
  ['Providers', 'providers/'],
  ['Decisions', 'docs/decisions/'],
];

const style = `
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 20%, transparent); }
body { display: grid; grid-template-columns: 15rem minmax(0, 46rem); gap: 3rem; margin: 2rem auto; max-width: 68rem;
  padding: 0 1.5rem; font: 1rem/1.6 system-ui, sans-serif; }
nav { font-size: 0.9rem; } nav h2 { font-size: 0.9rem; margin: 1.2rem 0 0.2rem; } nav ul { list-style: none; margin: 0; padding: 0; }
nav .home { font-weight: 600; } a[aria-current] { font-weight: 600; text-decoration: none; }
pre, table { overflow-x: auto; display: block; } pre { padding: 0.8rem 1rem; border: 1px solid var(--line); border-radius: 6px; }
code { font-size: 0.9em; } table { border-collapse: collapse; } th, td { border-bottom: 1px solid var(--line); padding: 0.3rem 0.8rem 0.3rem 0;
  text-align: left; vertical-align: top; }
@media (max-width: 50rem) { body { grid-template-columns: minmax(0, 1fr); gap: 1rem; } }
`;

const sources = patterns.flatMap((pattern) => globSync(pattern, { cwd: root })).sort();
const pages = sources.map((source) => {
  const markdown = readFileSync(path.join(root, source), 'utf8');
  return {
    source,
    markdown,
    target: targetOf(source),
    title: /^# (.+)$/m.exec(markdown)?.[1]?.replaceAll('`', '') ?? source,
  };
});
const broken = [];

rmSync(out, { recursive: true, force: true });
for (const page of pages) {
  const file = path.join(out, page.target);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, htmlOf(page));
}
if (broken.length > 0) {
  console.error(`Links that lead nowhere:\n${broken.map((link) => `  ${link}`).join('\n')}`);
  process.exitCode = 1;
} else {
  console.log(`${pages.length} pages in ${path.relative(root, out)}`);
}

function targetOf(source) {
  return source.replace(/(^|\/)README\.md$/, '$1index.html').replace(/\.md$/, '.html');
}

function htmlOf(page) {
  const marked = new Marked({ gfm: true });
  marked.use({
    walkTokens(token) {
      if (token.type === 'link' || token.type === 'image') token.href = linkFrom(page, token.href);
    },
    renderer: {
      heading({ tokens, depth, text }) {
        return `<h${depth} id="${slug(text)}">${this.parser.parseInline(tokens)}</h${depth}>\n`;
      },
    },
  });
  const up = path.relative(path.dirname(page.target), '.') || '.';
  const menu = sections
    .map(([name, folder]) => [name, pages.filter(({ source }) => source.startsWith(folder))])
    .filter(([, inside]) => inside.length > 0)
    .map(([name, inside]) => `<h2>${name}</h2><ul>${inside.map((other) => itemOf(other, page, up)).join('')}</ul>`);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escape(page.title)}</title>
<style>${style}</style>
<nav><a class="home" href="${up}/index.html">Clusternator</a>${menu.join('')}</nav>
<main>${marked.parse(page.markdown)}</main>
</html>
`;
}

function itemOf(other, page, up) {
  const here = other === page ? ' aria-current="page"' : '';
  return `<li><a href="${up}/${other.target}"${here}>${escape(other.title)}</a></li>`;
}

/** A link from one source file to another becomes one between their pages; any other file must at least be there. */
function linkFrom(page, href) {
  if (/^[a-z][a-z+.-]*:|^#/i.test(href)) return href;
  const [file, anchor] = href.split('#');
  let source = path.normalize(path.join(path.dirname(page.source), decodeURI(file))).replace(/\/$/, '');
  const absolute = path.join(root, source);
  if (!existsSync(absolute)) {
    broken.push(`${page.source}: ${href}`);
    return href;
  }
  if (statSync(absolute).isDirectory() && existsSync(path.join(absolute, 'README.md')))
    source = path.join(source, 'README.md');
  const known = pages.find((other) => other.source === source);
  if (!known) return href;
  return `${path.relative(path.dirname(page.target), known.target)}${anchor ? `#${anchor}` : ''}`;
}

function slug(text) {
  return text
    .toLowerCase()
    .replace(/[^\p{L}\p{N} -]/gu, '')
    .trim()
    .replace(/ /g, '-');
}

function escape(text) {
  return text.replace(/[&<>"]/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[sign]);
}
