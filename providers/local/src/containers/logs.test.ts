import { describe, expect, test } from '@jest/globals';
import { LogCursor } from './log-cursor.ts';
import { framesOf } from './log-frames.ts';

const SECOND = 1_000_000_000n;
const T = 1_700_000_000n * SECOND;

/** As the engine sends it: a header of eight bytes, then the time and the text. */
function frame(stream: 1 | 2, text: string): Buffer {
  const payload = Buffer.from(text);
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(payload.length, 4);
  return Buffer.concat([header, payload]);
}
async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield Promise.resolve(bytes.subarray(at, at + size));
}

describe("the engine's log stream", () => {
  const bytes = Buffer.concat([
    frame(1, '2023-11-14T22:13:20.000000001Z one\n'),
    frame(2, '2023-11-14T22:13:20.5Z two words\n'),
    frame(1, '2023-11-14T23:13:21+01:00 \n'),
    frame(1, '2023-11-14T22:13:22Z cut'),
  ]);
  test.each([1, 3, 8, 1000])('is taken apart wherever it is cut: every %d bytes', async (size) => {
    const frames = await Array.fromAsync(framesOf(inPieces(bytes, size), false));
    expect(frames.map(({ text, ...rest }) => ({ ...rest, text: text.toString() }))).toEqual([
      { stream: 'stdout', atNs: T + 1n, text: 'one', complete: true },
      { stream: 'stderr', atNs: T + SECOND / 2n, text: 'two words', complete: true },
      { stream: 'stdout', atNs: T + SECOND, text: '', complete: true },
      { stream: 'stdout', atNs: T + 2n * SECOND, text: 'cut', complete: false },
    ]);
  });

  test('that has lost its frames is an error', async () => {
    const broken = Array.fromAsync(framesOf(inPieces(frame(1, 'no time here\n'), 5), false));
    await expect(broken).rejects.toThrow('without a time');
  });
});

describe('a place in a log', () => {
  test('counts the frames of the newest second and the one before, whatever their order', () => {
    const cursor = new LogCursor();
    for (const offset of [0n, 0n, 900_000_000n, 800_000_000n, 1_500_000_000n]) cursor.count(T + offset);
    expect(cursor.sinceSeconds).toBe(T / SECOND);
    expect(cursor.seenFrames).toBe(5);
    cursor.count(T + 2n * SECOND);
    expect([cursor.sinceSeconds, cursor.seenFrames]).toEqual([T / SECOND + 1n, 2]);
    cursor.count(T + 9n * SECOND);
    expect([cursor.sinceSeconds, cursor.seenFrames]).toEqual([T / SECOND + 8n, 1]);
  });

  test('is the same again when it is read back', () => {
    const cursor = new LogCursor();
    for (const offset of [0n, 5n, SECOND]) cursor.count(T + offset);
    const again = LogCursor.parse(cursor.toString());
    expect([again.sinceSeconds, again.seenFrames]).toEqual([cursor.sinceSeconds, cursor.seenFrames]);
    expect(again.mayHaveSeen(T + SECOND)).toBe(true);
    expect(again.mayHaveSeen(T + SECOND + 1n)).toBe(false);
    const start = LogCursor.parse(new LogCursor().toString());
    expect([start.sinceSeconds, start.seenFrames]).toEqual([undefined, 0]);
  });

  test.each(['', '1', '1-', '-1-1', '1-1-1', 'x-1', `${'9'.repeat(40)}-1`])('is not %j', (text) => {
    expect(() => LogCursor.parse(text)).toThrow(expect.objectContaining({ code: 'invalid' }));
  });
});
