import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { isFinal, mayFollow, promotionDiagram, TRANSITIONS } from './transitions.ts';

test.each(['promote', 'rollback', 'destroy'] as const)(
  'every state of a %s is reached, and leads to an end',
  (kind) => {
    const transitions: readonly (readonly [string, string, string])[] = TRANSITIONS[kind];
    const states = [...new Set(transitions.map(([, to]) => to))];
    const reach = (from: string, seen = new Set<string>()): ReadonlySet<string> => {
      for (const [one, to] of transitions) {
        if (one !== from || seen.has(to)) continue;
        seen.add(to);
        reach(to, seen);
      }
      return seen;
    };
    expect([...reach('start')].sort()).toEqual([...states].sort());
    const ends = states.filter((state) => !transitions.some(([from]) => from === state));
    for (const state of states.filter((one) => !ends.includes(one))) {
      expect([...reach(state)].some((one) => ends.includes(one))).toBe(true);
    }
  },
);

test('a slot is untouched before traffic moves, and turned back after', () => {
  expect(mayFollow('promote', 'verifying', 'aborted')).toBe(true);
  expect(mayFollow('promote', 'shifting', 'aborted')).toBe(false);
  expect(isFinal('promote', 'degraded')).toBe(false);
});

test("the guide's diagrams are the table's", () => {
  const guide = readFileSync(new URL('../../../docs/guide/promotion-and-rollback.md', import.meta.url), 'utf8');
  for (const kind of ['promote', 'rollback', 'destroy'] as const) expect(guide).toContain(promotionDiagram(kind));
});
