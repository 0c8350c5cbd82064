import { instance } from '@viz-js/viz';

const viz = await instance();

/**
 * A Mermaid state diagram as SVG in the colours of the page, drawn while the site is built.
 * @see https://mermaid.js.org/syntax/stateDiagram.html
 */
export function stateDiagram(text) {
  const arrows = text.split('\n').flatMap((line) => {
    const found = /^\s*(\S+) --> (\S+?)(?:: (.*))?$/.exec(line);
    return found ? [{ from: nodeOf(found[1], 'start'), to: nodeOf(found[2], 'end'), label: found[3] ?? '' }] : [];
  });
  const edges = arrows.map(({ from, to, label }) => ({ tail: from, head: to, attributes: { label: wrapped(label) } }));
  const graph = {
    graphAttributes: { bgcolor: 'transparent', ranksep: 0.35, nodesep: 0.3 },
    nodeAttributes: { shape: 'box', style: 'rounded', fontname: 'sans-serif', fontsize: 13, height: 0.35 },
    edgeAttributes: { fontname: 'sans-serif', fontsize: 11, arrowsize: 0.7 },
    nodes: ['start', 'end'].map((name) => ({
      name,
      attributes: { shape: 'circle', label: '', width: 0.18, height: 0.18 },
    })),
    edges,
  };
  const svg = viz.renderString(graph, { format: 'svg' }).replace(/^[\s\S]*?(?=<svg)/, '');
  const states = [...new Set(arrows.flatMap(({ from, to }) => [from, to]))].filter(
    (it) => it !== 'start' && it !== 'end',
  );
  return svg
    .replace('<svg', `<svg class="state-diagram" role="img" aria-label="State diagram: ${states.join(', ')}" v-pre`)
    .replaceAll(/(stroke|fill)="black"/g, '$1="currentColor"')
    .replaceAll('<text ', '<text fill="currentColor" ');
}

function nodeOf(name, ifOuter) {
  return name === '[*]' ? ifOuter : name;
}

/** Short lines, so that the labels do not push the states apart. */
function wrapped(label) {
  const lines = [''];
  for (const word of label.split(' ')) {
    if (lines.at(-1).length + word.length > 20) lines.push('');
    lines.push(`${lines.pop()} ${word}`.trim());
  }
  return lines.join('\n');
}
