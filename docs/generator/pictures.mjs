import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { instance } from '@viz-js/viz';

/** Each docs/pictures/*.dot, drawn by Graphviz. */
export async function pictures(docs) {
  const viz = await instance();
  const sources = globSync('pictures/*.dot', { cwd: docs }).sort();
  return Object.fromEntries(
    sources.map((source) => [
      source.replace(/\.dot$/, '.svg'),
      viz.renderString(readFileSync(path.join(docs, source), 'utf8'), { format: 'svg' }),
    ]),
  );
}
