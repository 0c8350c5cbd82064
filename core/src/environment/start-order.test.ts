import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { startOrder } from './start-order.ts';

test('a service starts after those it needs, and otherwise where the config has it', () => {
  expect(startOrder({ web: ['api'], api: ['db', 'cache'], cache: [], db: [], worker: ['db'] })).toEqual([
    'db',
    'cache',
    'api',
    'web',
    'worker',
  ]);
});

test('every name comes once and after its needs, in any graph without a cycle', () => {
  const graph = fc.integer({ min: 1, max: 12 }).chain((size) =>
    fc.array(fc.array(fc.nat(), { maxLength: 4 }), { minLength: size, maxLength: size }).map((edges) =>
      Object.fromEntries(
        // Only later ones are needed, so there is no cycle.
        edges.map((to, at) => [`s${String(at)}`, to.filter((n) => n % size > at).map((n) => `s${String(n % size)}`)]),
      ),
    ),
  );
  fc.assert(
    fc.property(graph, (needs) => {
      const order = startOrder(needs);
      expect([...order].sort()).toEqual(Object.keys(needs).sort());
      for (const [name, needed] of Object.entries(needs)) {
        for (const one of needed) expect(order.indexOf(one)).toBeLessThan(order.indexOf(name));
      }
    }),
  );
});
