import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseDuration, parseSize } from './units.ts';

test('durations are seconds', () => {
  const known = {
    '0s': 0,
    '500ms': 0.5,
    '30s': 30,
    '5m': 300,
    '72h': 259_200,
    '14d': 1_209_600,
    '2w': 1_209_600,
    '1h30m': 5400,
    '1.5h': 5400,
  };
  for (const [text, seconds] of Object.entries(known)) expect(parseDuration(text)).toBe(seconds);
  expect(parseDuration('100ms200ms')).toBe(0.3);
});

test('sizes are MiB, in powers of 1024', () => {
  const known = { '512Mi': 512, '20Gi': 20_480, '1.5Gi': 1536, '1Ti': 1_048_576, '512Ki': 0.5 };
  for (const [text, size] of Object.entries(known)) expect(parseSize(text)).toBe(size);
});

test('what is no duration or size is refused, with a way out', () => {
  for (const text of ['', '5', 'm', '-5m', '5 m', '5M', '1e3s', 'soon', '5m,', '５m', '5m\n']) {
    expect(() => parseDuration(text)).toThrow(
      expect.objectContaining({ code: 'invalid', detail: { hint: expect.any(String) } }),
    );
  }
  for (const text of ['', '20', '20G', '20GB', '20gi', '-1Gi', '1..5Gi', '20Gi\n']) {
    expect(() => parseSize(text)).toThrow(
      expect.objectContaining({ code: 'invalid', detail: { hint: expect.any(String) } }),
    );
  }
});

test('no text makes the parsers slow or give something that is no number', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[\d.smhdwMGi]{0,40}$/), (text) => {
      for (const parse of [parseDuration, parseSize]) {
        try {
          expect(parse(text)).toBeGreaterThanOrEqual(0);
        } catch (error) {
          expect(error).toMatchObject({ code: 'invalid' });
        }
      }
    }),
  );
});
