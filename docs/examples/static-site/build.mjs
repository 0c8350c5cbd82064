import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';

const at = (name) => new URL(name, import.meta.url);
const layout = readFileSync(at('layout.html'), 'utf8');
const title = (text) => /^# (.+)$/m.exec(text)?.[1] ?? 'Untitled';

rmSync(at('dist'), { recursive: true, force: true });
mkdirSync(at('dist'));
cpSync(at('assets/'), at('dist/assets/'), { recursive: true });

const pages = readdirSync(at('content/')).filter((name) => name.endsWith('.txt'));
const names = pages.map((page) => page.replace(/\.txt$/, '.html'));
for (const [index, page] of pages.entries()) {
  const text = readFileSync(at(`content/${page}`), 'utf8');
  const body = text
    .split(/\n{2,}/)
    .map((part) => part.trim())
    .filter(Boolean)
    .map((part) => (part.startsWith('# ') ? `<h1>${escape(part.slice(2))}</h1>` : `<p>${escape(part)}</p>`))
    .join('\n');
  const links = names.map((name) => `<a href="${name}">${name.replace('.html', '')}</a>`).join(' ');
  const html = layout.replace('{title}', () => escape(title(text))).replace('{links}', () => links);
  writeFileSync(
    at(`dist/${names[index]}`),
    html.replace('{body}', () => body),
  );
}
console.log(`${pages.length} pages`);

function escape(text) {
  return text.replace(/[&<>"]/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[sign]);
}
