import { expect, test } from '@jest/globals';
import type { CaseResult, Report } from '../kit/report.ts';
import { reportBadge } from './badge.ts';
import { reportHtml } from './html.ts';
import { reportText } from './text.ts';

const result = (more: Partial<CaseResult>): CaseResult => ({
  ...{ id: 'slot/x', number: 55, group: 'slot', title: 'It holds', needs: [], outcome: 'passed', seconds: 1 },
  ...more,
});
const report: Report = {
  ...{ schema: 1, provider: 'fly', kit: '0.1.0', startedAt: '2026-11-24T00:00:00.000Z', seconds: 3, passed: false },
  totals: { passed: 1, failed: 1, incapable: 1, 'not-run': 1 },
  cases: [
    result({}),
    result({ outcome: 'failed', error: '1 !== <2>\nsecond line' }),
    result({ outcome: 'incapable', note: 'slots.weights: it has none' }),
    result({ outcome: 'not-run', note: 'the harness has no proxy' }),
  ],
  wireCalls: [{ verb: 'slots.route', calls: 2, floor: 1 }],
  exercised: {},
};

test('the text tells every outcome, and why', () => {
  expect(reportText(report)).toBe(
    [
      'slot',
      '  ✓ 55 It holds (1.0 s)',
      '  ✗ 55 It holds (1.0 s)',
      '      1 !== <2>',
      '      second line',
      '  – 55 It holds (not capable: slots.weights: it has none)',
      '  · 55 It holds (not run: the harness has no proxy)',
      '',
      'mutating calls on the wire, at most',
      '  slots.route: 2 of 1',
      '',
      'provider fly: 1 passed, 1 failed, 1 not capable, 1 not run, 3.0 s',
      '',
    ].join('\n'),
  );
});

test('the page escapes what a provider says', () => {
  const page = reportHtml(report);
  expect(page).toContain('1 !== &lt;2&gt;');
  expect(page).toContain('not capable');
  expect(page).toContain('2 of 1');
});

test('what was not run counts against the badge', () => {
  expect(reportBadge(report)).toContain('fly: 1/3 cases passed');
});
