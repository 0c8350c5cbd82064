import { styleText } from 'node:util';
import type { CaseResult, Outcome, Report } from '../kit/report.ts';

/** How the report looks on a terminal. */
export interface TextOptions {
  readonly colours?: boolean;
}

const SIGN: Readonly<Record<Outcome, string>> = { passed: '✓', failed: '✗', incapable: '–', 'not-run': '·' };
const COLOUR = { passed: 'green', failed: 'red', incapable: 'gray', 'not-run': 'yellow' } as const;
export const WORD: Readonly<Record<Outcome, string>> = {
  passed: 'passed',
  failed: 'failed',
  incapable: 'not capable',
  'not-run': 'not run',
};

/** A line a case, by group; then the calls on the wire, and the totals. */
export function reportText(report: Report, { colours = false }: TextOptions = {}): string {
  const paint = (outcome: Outcome, text: string) =>
    colours ? styleText(COLOUR[outcome], text, { validateStream: false }) : text;
  const lines: string[] = [];
  let group = '';
  for (const one of report.cases) {
    if (one.group !== group) lines.push('', one.group);
    group = one.group;
    lines.push(`  ${paint(one.outcome, SIGN[one.outcome])} ${caseLine(one)}`);
    if (one.error !== undefined) lines.push(...one.error.split('\n').map((line) => `      ${line}`));
  }
  const calls = report.wireCalls.map(({ verb, calls: made, floor }) => `  ${verb}: ${callsText(made, floor)}`);
  if (calls.length > 0) lines.push('', 'mutating calls on the wire, at most', ...calls);
  const totals = (['passed', 'failed', 'incapable', 'not-run'] as const).map((outcome) => {
    const text = `${String(report.totals[outcome])} ${WORD[outcome]}`;
    return report.totals[outcome] > 0 ? paint(outcome, text) : text;
  });
  return [
    ...lines.slice(1),
    '',
    `provider ${report.provider}: ${totals.join(', ')}, ${report.seconds.toFixed(1)} s`,
    '',
  ].join('\n');
}

export function callsText(calls: number, floor: number | undefined): string {
  return floor === undefined ? String(calls) : `${String(calls)} of ${String(floor)}`;
}

function caseLine({ number, title, outcome, note, seconds }: CaseResult): string {
  const about = outcome === 'passed' || outcome === 'failed' ? `${seconds.toFixed(1)} s` : WORD[outcome];
  return `${String(number).padStart(2)} ${title} (${about}${note === undefined ? '' : `: ${note}`})`;
}
