import { existsSync, globSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { defineConfig } from 'vitepress';
import { stateDiagram } from './state-diagram.mjs';

/** Markdown stays where it is read on a code host. A page has the path of its file here; a README is the index of its folder. */
const root = path.resolve(import.meta.dirname, '../..');
const patterns = [
  'README.md',
  'CHANGELOG.md',
  'docs/{guide,reference,decisions}/*.md',
  'docs/examples/README.md',
  'docs/examples/*/README.md',
  'providers/*/*.md',
];
const sources = patterns.flatMap((pattern) => globSync(pattern, { cwd: root })).sort();
const pages = new Set(sources);
const attached = new Set();

const guide = [
  'getting-started',
  'concepts',
  'promotion-and-rollback',
  'storage',
  'configuration',
  'aws',
  'write-a-provider',
  'how-it-can-fail',
  'security',
];
const sections = [
  ['Guide', 'docs/guide/', guide],
  ['Reference', 'docs/reference/'],
  ['Examples', 'docs/examples/'],
  ['Providers', 'providers/'],
  ['Decisions', 'docs/decisions/'],
];

export default defineConfig({
  title: 'Clusternator',
  description: 'Any commit of a repository as a running environment.',
  lang: 'en',
  srcDir: '..',
  srcExclude: globSync('**/*.md', { cwd: root, exclude: (name) => name === 'node_modules' }).filter(
    (file) => !pages.has(file),
  ),
  outDir: './dist',
  cacheDir: './.vitepress/cache',
  rewrites: Object.fromEntries(sources.filter(isReadme).map((source) => [source, indexOf(source)])),
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Getting started', link: '/docs/guide/getting-started' },
      { text: 'Config', link: '/docs/reference/config' },
      { text: 'Commands', link: '/docs/reference/commands' },
      { text: 'Changelog', link: '/CHANGELOG' },
    ],
    sidebar: sections.map(([text, folder, order]) => ({ text, items: itemsIn(folder, order) })),
  },
  markdown: {
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
    config(md) {
      const { fence } = md.renderer.rules;
      md.renderer.rules.fence = (tokens, at, ...rest) => {
        const { info, content } = tokens[at];
        return info === 'mermaid' ? stateDiagram(content) : fence(tokens, at, ...rest);
      };
      md.core.ruler.push('links', ({ tokens, env }) => {
        for (const token of tokens.flatMap(({ children }) => children ?? [])) {
          if (token.type === 'link_open') token.attrSet('href', linkFrom(env.relativePath, token.attrGet('href')));
        }
      });
    },
  },
  buildEnd({ outDir }) {
    for (const file of attached) {
      const target = path.join(outDir, attachmentOf(file));
      mkdirSync(path.dirname(target), { recursive: true });
      writeFileSync(target, readFileSync(path.join(root, file)));
    }
  },
});

function isReadme(source) {
  return path.basename(source) === 'README.md';
}

function indexOf(source) {
  return source.replace(/README\.md$/, 'index.md');
}

function itemsIn(folder, order = []) {
  const rank = (source) => {
    const at = order.indexOf(path.basename(source, '.md'));
    return at < 0 ? order.length : at;
  };
  return sources
    .filter((source) => source.startsWith(folder))
    .sort((a, b) => rank(a) - rank(b))
    .map((source) => ({ text: titleOf(source), link: `/${indexOf(source).replace(/(?:index)?\.md$/, '')}` }));
}

function titleOf(source) {
  const [, title = source] = /^# (.+)$/m.exec(readFileSync(path.join(root, source), 'utf8')) ?? [];
  return title.replaceAll('`', '');
}

/** A link to a folder or its README leads to its index; one to a file that is no page, to a copy of it. Dead ones stay, and fail the build. */
function linkFrom(page, href) {
  if (href === null || /^[a-z][a-z+.-]*:|^[#/]/i.test(href)) return href;
  const [file = '', anchor] = href.split('#');
  const absolute = path.resolve(root, path.dirname(page), decodeURI(file));
  const hash = anchor === undefined ? '' : `#${anchor}`;
  if (!existsSync(absolute)) return href;
  const source = path.relative(root, statSync(absolute).isDirectory() ? path.join(absolute, 'README.md') : absolute);
  if (pages.has(source)) return `/${indexOf(source)}${hash}`;
  attached.add(source);
  return `/${attachmentOf(source)}${hash}`;
}

function attachmentOf(file) {
  return path.extname(file) === '' ? `${file}.txt` : file;
}
