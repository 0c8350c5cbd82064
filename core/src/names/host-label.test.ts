import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { environmentIdOf } from './environment-id.ts';
import { environmentLabel, slotClash, slotLabel, standbyLabel } from './host-label.ts';
import { nameProblem, slotNameProblem } from './name.ts';

const shop = { project: 'shop', stage: 'default' };
const id = environmentIdOf('1a2b3c4d5e6f');

test('labels read as what they name', () => {
  expect(environmentLabel(shop, id)).toBe('1a2b3c4d--shop');
  expect(environmentLabel(shop, id, 12)).toBe('1a2b3c4d5e6f--shop');
  expect(environmentLabel(shop, { ...id, slot: { name: 'master', settings: 'ab12' } })).toBe(
    '1a2b3c4d-master-ab12--shop',
  );
  expect(slotLabel(shop, 'pr-42')).toBe('pr-42--shop');
  expect(standbyLabel(shop, 'master', 1)).toBe('master-1--shop');
  expect(slotLabel({ project: 'shop', stage: 'live' }, 'master')).toBe('master--shop--live');
});

const word = fc
  .stringMatching(/^[a-z][a-z0-9]{0,8}(-[a-z0-9]{1,9}){0,5}$/)
  .filter((text) => nameProblem(text) === undefined);
const hex = (min: number, max: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${min},${max}}$`));
const slotName = word.filter((text) => slotNameProblem(text) === undefined);
const named = fc.record({
  owner: fc.record({ project: word, stage: fc.oneof(fc.constant('default'), word) }),
  what: fc.oneof(
    fc.record({ kind: fc.constant('environment' as const), commit: hex(8, 8) }),
    fc.record({ kind: fc.constant('bound' as const), commit: hex(8, 8), name: slotName, settings: hex(4, 12) }),
    // A slot that is named like a standby is refused where both are declared: `slotClash`.
    fc.record({ kind: fc.constant('slot' as const), name: slotName.filter((name) => !/-\d+$/.test(name)) }),
    fc.record({ kind: fc.constant('standby' as const), name: slotName, position: fc.integer({ min: 1, max: 9 }) }),
  ),
});
type Named = typeof named extends fc.Arbitrary<infer T> ? T : never;

function labelOf({ owner, what }: Named): string {
  if (what.kind === 'environment') return environmentLabel(owner, { commit: `${what.commit}0000` });
  if (what.kind === 'slot') return slotLabel(owner, what.name);
  if (what.kind === 'standby') return standbyLabel(owner, what.name, what.position);
  return environmentLabel(owner, { commit: `${what.commit}0000`, slot: { name: what.name, settings: what.settings } });
}

test('a label is a host name of at most 63 characters, and no two things share one', () => {
  fc.assert(
    fc.property(named, named, (one, other) => {
      const label = labelOf(one);
      expect(label).toMatch(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/);
      expect(label.length).toBeLessThanOrEqual(63);
      if (label === labelOf(other)) expect(one).toEqual(other);
    }),
    { numRuns: 2000 },
  );
});

test('what is cut stays apart, also where only the end differs', () => {
  const project = 'a'.repeat(62);
  const labels = ['x', 'y'].flatMap((end) => [
    environmentLabel({ project: project + end, stage: 'default' }, id),
    environmentLabel({ project: project + end, stage: 'live' }, id),
    slotLabel({ project: project + end, stage: 'default' }, 'master'),
  ]);
  expect(new Set(labels).size).toBe(labels.length);
  for (const label of labels) expect(label.length).toBe(63);
});

test("a slot that would answer as another slot's standby is found", () => {
  expect(slotClash({ pr: { standbys: 2 }, 'pr-2': { standbys: 1 } })).toEqual({ slot: 'pr-2', standbyOf: 'pr' });
  expect(slotClash({ pr: { standbys: 2 }, 'pr-42': { standbys: 1 } })).toBeUndefined();
  expect(slotClash({ 'pr-1': { standbys: 2 } })).toBeUndefined();
});
