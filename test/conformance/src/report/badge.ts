import type { Report } from '../kit/report.ts';
import { escaped } from './html.ts';

const LABEL = 'conformance';
const CHARACTER_WIDTH = 6.6;
const PADDING = 10;

/** An SVG for a README: how many of the cases that could be run passed. */
export function reportBadge({ totals, passed, provider }: Report): string {
  const text = `${String(totals.passed)}/${String(totals.passed + totals.failed + totals['not-run'])}`;
  const left = widthOf(LABEL);
  const right = widthOf(text);
  const whole = left + right;
  const colour = !passed ? '#b3261e' : totals['not-run'] > 0 ? '#7a5c00' : '#0a6b2d';
  const title = escaped(`${provider}: ${text} cases passed`);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${String(whole)}" height="20" role="img" aria-label="${title}">
<title>${title}</title>
<clipPath id="r"><rect width="${String(whole)}" height="20" rx="3"/></clipPath>
<g clip-path="url(#r)"><rect width="${String(left)}" height="20" fill="#444"/><rect x="${String(left)}" width="${String(right)}" height="20" fill="${colour}"/></g>
<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11"><text x="${String(left / 2)}" y="14">${LABEL}</text><text x="${String(left + right / 2)}" y="14">${text}</text></g>
</svg>
`;
}

function widthOf(text: string): number {
  return Math.round(text.length * CHARACTER_WIDTH + PADDING);
}
