import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { canonicalJson, fingerprint } from './fingerprint.ts';
import { nearest } from './nearest.ts';
import { nameProblem, slotNameProblem } from './name.ts';
import { resourceName } from './resource-name.ts';

const owner = { project: 'shop', stage: 'default' };

test('equal data has one fingerprint, in whatever order its keys were written', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (data) => {
      const turned = Object.fromEntries(Object.entries(data).reverse());
      expect(fingerprint(turned)).toBe(fingerprint(data));
    }),
  );
  expect(fingerprint({ b: 1, a: undefined })).toBe(fingerprint({ b: 1 }));
  expect(fingerprint({ a: 1 })).toMatch(/^[0-9a-f]{64}$/);
});

test('canonical JSON says the same as JSON', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (data) => {
      expect(JSON.parse(canonicalJson(data))).toEqual(JSON.parse(JSON.stringify(data)));
    }),
  );
});

test('what is no data has no fingerprint', () => {
  const loop: Record<string, unknown> = {};
  loop.self = loop;
  for (const value of [loop, new Map(), () => 1, 1n, NaN, undefined]) expect(() => fingerprint(value)).toThrow();
});

test('the nearest word is the one that was meant, and a far one is none', () => {
  const keys = ['port', 'protocol', 'route', 'health', 'env', 'secrets'];
  expect(nearest('prot', keys)).toBe('port');
  expect(nearest('Health', keys)).toBe('health');
  expect(nearest('secret', keys)).toBe('secrets');
  expect(nearest('zzzzzzz', keys)).toBeUndefined();
  expect(nearest('', keys)).toBeUndefined();
});

test('names are words with single hyphens', () => {
  for (const name of ['a', 'shop', 'my-shop-2', 'x'.repeat(63)]) expect(nameProblem(name)).toBeUndefined();
  for (const name of ['', '1a', 'a--b', 'a-', '-a', 'A', 'a_b', 'ä', '__proto__', 'constructor', 'x'.repeat(64)]) {
    expect(nameProblem(name)).toBeDefined();
  }
});

test("a slot's name can't be taken for an environment's", () => {
  for (const name of ['master', 'pr-42', 'deadbee']) expect(slotNameProblem(name)).toBeUndefined();
  for (const name of ['deadbeef', 'deadbeef-x', 'deadbeefcafe', 'xn', 'x'.repeat(31)])
    expect(slotNameProblem(name)).toBeDefined();
});

const rules = fc.record({ maxLength: fc.integer({ min: 8, max: 63 }), hyphens: fc.boolean() });

test('a resource name keeps to its rule, whatever the words are', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' })), rules, (words, rule) => {
      const name = resourceName(owner, words, rule);
      expect(name).toMatch(rule.hyphens ? /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/ : /^[a-z][a-z0-9]*$/);
      expect(name.length).toBeLessThanOrEqual(rule.maxLength);
      expect(resourceName(owner, words, rule)).toBe(name);
    }),
  );
});

test('other words, another project and another stage have another name', () => {
  const rule = { maxLength: 24, hyphens: false };
  const names = [
    resourceName(owner, ['a', 'bc'], rule),
    resourceName(owner, ['ab', 'c'], rule),
    resourceName(owner, ['a-bc'], rule),
    resourceName({ ...owner, project: 'other' }, ['a', 'bc'], rule),
    resourceName({ ...owner, stage: 'live' }, ['a', 'bc'], rule),
  ];
  expect(new Set(names).size).toBe(names.length);
  expect(resourceName(owner, ['1a2b3c4d5e6f', 'api'], { maxLength: 32 })).toMatch(/^c-1a2b3c4d5e6f-api-[0-9a-z]{10}$/);
  expect(() => resourceName(owner, ['a'], { maxLength: 7 })).toThrow('unique');
});

test('names at every limit do not collide', () => {
  for (const maxLength of [24, 32, 63]) {
    const names = Array.from({ length: 5000 }, (_, at) => resourceName(owner, ['service', String(at)], { maxLength }));
    expect(new Set(names).size).toBe(names.length);
  }
});
