import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { fingerprint } from './fingerprint.ts';
import { decodeTagValue, encodeTagValue, TAG_VALUE } from './tag-value.ts';
import { identify, readTag, tagsFor } from './tags.ts';

const owner = { project: 'shop', stage: 'default' };
const resource = { type: 'environment', id: '1a2b3c4d5e6f-1', fingerprint: fingerprint('spec') } as const;

test('what is tagged is identified, with its whole fingerprint and its details', () => {
  const tags = tagsFor(owner, { ...resource, tags: { commit: 'a'.repeat(40), ref: 'feature/Größe' } });
  for (const [key, value] of Object.entries(tags)) {
    expect(key).toMatch(/^[a-z][a-z0-9_]{0,62}$/);
    expect(value).toMatch(TAG_VALUE);
  }
  expect(tags).toMatchObject({ clusternator_project: 'shop', clusternator_id: '1a2b3c4d5e6f-1' });
  expect(identify(owner, { ...tags, someone_elses: 'x', gone: undefined })).toEqual({ ...resource, tags });
  expect(readTag(tags, 'ref')).toBe('feature/Größe');
  expect(readTag(tags, 'missing')).toBeUndefined();
});

test("what is not this project's and stage's is nobody's", () => {
  const tags = tagsFor(owner, resource);
  expect(identify({ ...owner, project: 'other' }, tags)).toBeUndefined();
  expect(identify({ ...owner, stage: 'live' }, tags)).toBeUndefined();
  for (const none of [null, undefined, {}]) expect(identify(owner, none)).toBeUndefined();
  expect(identify(owner, { ...tags, clusternator_type: 'planet' })).toBeUndefined();
});

test('what was tagged only in part is still ours, and equals no fingerprint', () => {
  const { clusternator_fingerprint: _, ...rest } = tagsFor(owner, resource);
  expect(identify(owner, rest)).toMatchObject({ id: resource.id, fingerprint: '' });
});

test('an id that a tag cannot hold whole and a key that is ours are refused', () => {
  expect(() => tagsFor(owner, { ...resource, id: 'ö'.repeat(40) })).toThrow('does not fit');
  expect(() => tagsFor(owner, { ...resource, tags: { stage: 'x' } })).toThrow("can't carry");
  expect(() => tagsFor(owner, { ...resource, tags: { 'with-hyphen': 'x' } })).toThrow("can't carry");
});

test('a value of the allowed alphabet round-trips at full length, as it is but for our own marks', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z0-9_-]{0,40}$/), (text) => {
      expect(decodeTagValue(encodeTagValue(text))).toBe(text);
    }),
  );
  const full = 'abcdefghijklmnopqrstuvwxyz0123456789_-'.repeat(2).slice(0, 63);
  expect(encodeTagValue(full)).toBe(full);
});

test('any text becomes a value, never that of another text, and is read back or said to be lost', () => {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.string({ maxLength: 120 }),
    fc.stringMatching(/^_[exh]_[a-z0-9_]{0,60}$/),
  );
  fc.assert(
    fc.property(text, text, (one, other) => {
      const value = encodeTagValue(one);
      expect(value).toMatch(TAG_VALUE);
      expect([one, undefined]).toContain(decodeTagValue(value));
      if (one !== other) expect(encodeTagValue(other)).not.toBe(value);
    }),
    { numRuns: 2000 },
  );
});

test('a value that was tampered with is not read', () => {
  for (const value of ['_e_', '_e_plain', '_e__zz', '_e__5', '_x_', '_x_zz-', '_h_abc', 'UPPER', 'x'.repeat(64)]) {
    expect(decodeTagValue(value)).toBeUndefined();
  }
});
