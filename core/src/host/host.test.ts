import { expect, test } from '@jest/globals';
import { mergeNative } from './host.ts';

test('native settings are laid over a request deeply, and lists are replaced', () => {
  const request = { cpu: 1, network: { subnets: ['a'], public: true } };
  expect(mergeNative(request, { network: { subnets: ['b', 'c'] }, spot: true })).toEqual({
    cpu: 1,
    network: { subnets: ['b', 'c'], public: true },
    spot: true,
  });
  expect(request.network.subnets).toEqual(['a']);
});

test('a native setting named __proto__ is data and reaches no prototype', () => {
  const native: Record<string, unknown> = JSON.parse('{"__proto__": {"polluted": true}}') as Record<string, unknown>;
  const merged = mergeNative({ a: 1 }, native);
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  expect(Object.getPrototypeOf(merged)).toBe(Object.prototype);
});
