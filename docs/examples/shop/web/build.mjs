import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';

const at = (name) => new URL(name, import.meta.url);
const { version } = JSON.parse(readFileSync(at('../package.json'), 'utf8'));
mkdirSync(at('dist'), { recursive: true });
writeFileSync(
  at('dist/index.html'),
  readFileSync(at('pages/index.html'), 'utf8').replaceAll('{version}', () => version),
);
