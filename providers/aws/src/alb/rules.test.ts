import { expect, test } from '@jest/globals';
import { fixedAnswer, forwardTo, sharesOf, targetGroupsOf } from './actions.ts';
import { conditionsFor } from './conditions.ts';
import { prioritiesFor } from './priorities.ts';
import { formatMark, markOf } from './slot-marks.ts';

test.each([
  ['one', [{ targetGroup: 'a', percent: 100 }]],
  [
    'two',
    [
      { targetGroup: 'a', percent: 99 },
      { targetGroup: 'b', percent: 1 },
    ],
  ],
  ['a part whose other half lacks the path', [{ targetGroup: 'a', percent: 1 }]],
])('shares of %s are read as they were written', (_, shares) => {
  const rule = { Actions: forwardTo(shares) };
  expect(sharesOf(rule)).toEqual(shares);
  expect(targetGroupsOf(rule)).toEqual(shares.map(({ targetGroup }) => targetGroup));
});

test('AWS tells a plain target group as one of weight 1: it has all the traffic', () => {
  const TargetGroups = [{ TargetGroupArn: 'a', Weight: 1 }];
  const rule = { Actions: [{ Type: 'forward' as const, TargetGroupArn: 'a', ForwardConfig: { TargetGroups } }] };
  expect(sharesOf(rule)).toEqual([{ targetGroup: 'a', percent: 100 }]);
});

test('weights that somebody else wrote are told in percent', () => {
  const TargetGroups = [
    { TargetGroupArn: 'a', Weight: 3 },
    { TargetGroupArn: 'b', Weight: 1 },
    { TargetGroupArn: 'c', Weight: 0 },
  ];
  const rule = { Actions: [{ Type: 'forward' as const, ForwardConfig: { TargetGroups } }] };
  expect(sharesOf(rule)).toEqual([
    { targetGroup: 'a', percent: 75 },
    { targetGroup: 'b', percent: 25 },
  ]);
  expect(targetGroupsOf(rule)).toEqual(['a', 'b', 'c']);
});

test('an answer of its own gives nothing to anybody', () => {
  const rule = { Actions: fixedAnswer(404, 'not here') };
  expect([sharesOf(rule), targetGroupsOf(rule)]).toEqual([[], []]);
});

test('a rule takes five values', () => {
  expect(conditionsFor(['a', 'b', 'c'], '/api')).toEqual([
    { Field: 'host-header', HostHeaderConfig: { Values: ['a', 'b', 'c'] } },
    { Field: 'path-pattern', PathPatternConfig: { Values: ['/api', '/api/*'] } },
  ]);
  expect(conditionsFor(['a'], '/')).toEqual([{ Field: 'host-header', Values: ['a'] }]);
  expect(() => conditionsFor(['a', 'b', 'c', 'd'], '/api')).toThrow(expect.objectContaining({ code: 'invalid' }));
  expect(() => conditionsFor(['a', 'b', 'c', 'd', 'e', 'f'], '/')).toThrow('which are too few for a, b, c, d, e, f');
});

test('a deeper path comes first, whatever the names', () => {
  const first = (name: string, route: string): number => prioritiesFor(name, route).next().value as number; // there is one
  for (const name of ['a', 'b', 'c']) {
    expect(first(name, '/api/v1')).toBeLessThan(first('other', '/api'));
    expect(first(name, '/api')).toBeLessThan(first('other', '/'));
    expect(first(name, '/')).toBeLessThanOrEqual(50_000);
    expect(first(name, '/1/2/3/4/5/6/7/8/9')).toBeGreaterThan(0);
    expect(first(name, '/')).toBe(first(name, '/'));
  }
  expect(() => first('a', '/1/2/3/4/5/6/7/8/9/10')).toThrow(expect.objectContaining({ code: 'invalid' }));
});

test('all priorities of a depth come up once', () => {
  const all = [...prioritiesFor('a', '/')];
  expect([new Set(all).size, Math.min(...all), Math.max(...all)]).toEqual([5000, 45_001, 50_000]);
});

test('a mark is read as it was written, among other hosts', () => {
  const mark = { stamp: 'e1', part: 'web', role: 'standby-1', key: 'clusternator-master-0123456789' };
  expect(markOf(['www.example.com', formatMark(mark)])).toEqual(mark);
  expect(markOf(['www.example.com', 'a.b.clusternator.invalid'])).toBeUndefined();
});
