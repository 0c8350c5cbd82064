import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { closeFrame, FrameTracker } from './frames.ts';

function frame(length: number, masked: boolean, opcode = 2): Buffer {
  const header =
    length < 126
      ? Buffer.from([0x80 | opcode, length])
      : length < 65_536
        ? Buffer.from([0x80 | opcode, 126, length >> 8, length & 0xff])
        : Buffer.from([0x80 | opcode, 127, 0, 0, 0, 0, 0, length >> 16, (length >> 8) & 0xff, length & 0xff]);
  if (masked) header[1] = (header[1] ?? 0) | 0x80;
  // Payloads that look like headers would show a tracker that reads them.
  return Buffer.concat([header, Buffer.alloc(masked ? 4 : 0, 0x88), Buffer.alloc(length, 0x88)]);
}

describe('borders', () => {
  test('are found however the stream is cut', () => {
    const lengths = fc.constantFrom(0, 1, 125, 126, 300, 65_535, 65_536, 70_000);
    fc.assert(
      fc.property(
        fc.array(fc.record({ length: lengths, masked: fc.boolean() }), { minLength: 1, maxLength: 5 }),
        fc.infiniteStream(fc.integer({ min: 1, max: 50_000 })),
        (specs, cuts) => {
          const frames = specs.map(({ length, masked }) => frame(length, masked));
          const all = Buffer.concat(frames);
          const borders = new Set<number>();
          let sum = 0;
          for (const one of frames) borders.add((sum += one.length));
          const tracker = new FrameTracker();
          for (let at = 0; at < all.length;) {
            const size: number = cuts.next().value; // endless, so there always is one
            at += tracker.advance(all.subarray(at, at + size), false);
            expect(tracker.atBorder).toBe(borders.has(at));
          }
          expect(tracker.sawClose).toBe(false);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('are stopped at when asked', () => {
    const tracker = new FrameTracker();
    const first = frame(300, false);
    expect(tracker.advance(first.subarray(0, 3), true)).toBe(0);
    expect(tracker.advance(first.subarray(0, 3), false)).toBe(3);
    expect(tracker.advance(Buffer.concat([first.subarray(3), frame(5, false)]), true)).toBe(first.length - 3);
    expect(tracker.atBorder).toBe(true);
  });

  test('a close frame is noticed', () => {
    const tracker = new FrameTracker();
    tracker.advance(closeFrame(1000, 'bye'), false);
    expect(tracker).toMatchObject({ sawClose: true, atBorder: true });
  });
});

test('a close frame has its code and at most 123 bytes of whole characters', () => {
  expect(closeFrame(1012, 'x')).toEqual(Buffer.from([0x88, 3, 0x03, 0xf4, 0x78]));
  const long = closeFrame(1012, 'ä'.repeat(100));
  expect(long).toHaveLength(4 + 122);
  expect(long.subarray(4).toString()).toBe('ä'.repeat(61));
});
