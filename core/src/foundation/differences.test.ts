import { expect, test } from '@jest/globals';
import type { FoundationPlan } from '../host/foundations.ts';
import { foundationDifferences } from './differences.ts';

function planOf(stage: string, nat: number, more: Partial<FoundationPlan> = {}): FoundationPlan {
  return {
    id: 'memory',
    stage,
    provider: 'memory',
    domain: 'shop.example.test',
    config: { zones: 2, network: { nat, ranges: ['10.0.0.0/8'] } },
    parts: [
      { what: 'network', settings: { zones: 2 } },
      { what: 'NAT gateways', settings: { count: nat } },
    ],
    ...more,
  };
}
const madeOf = (count: number) => ({
  outputs: { network: `net-${String(count)}`, nat: Array.from({ length: count }, String) },
});

test('where only sizes differ, only sizes are told', () => {
  expect(foundationDifferences(planOf('staging', 1), planOf('production', 2))).toEqual([
    { kind: 'config', what: 'provider.network.nat', values: [1, 2] },
    { kind: 'part', what: 'NAT gateways: count', values: [1, 2] },
  ]);
  const [staging, production] = [planOf('staging', 1, madeOf(1)), planOf('production', 2, madeOf(2))];
  expect(foundationDifferences(staging, production).at(-1)).toEqual({
    kind: 'output',
    what: 'outputs.nat',
    values: ['1 of them', '2 of them'],
  });
});

test('what one stage has and the other has not is told, and nothing of what is equal', () => {
  const parts = [{ what: 'network', settings: { zones: 2 } }];
  expect(foundationDifferences(planOf('staging', 1, { parts }), planOf('production', 1))).toEqual([
    { kind: 'part', what: 'NAT gateways', values: [undefined, true] },
    { kind: 'part', what: 'NAT gateways: count', values: [undefined, 1] },
  ]);
  expect(foundationDifferences(planOf('staging', 1, madeOf(1)), planOf('production', 1))).toEqual([]);
});
