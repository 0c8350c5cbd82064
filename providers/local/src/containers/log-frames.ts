import { demultiplex, type Payload } from './multiplex.ts';

/** What a container wrote in one go: at most one line, without its end where the engine cut it (at 16 KiB). */
export interface LogFrame {
  readonly stream: 'stdout' | 'stderr';
  /** Nanoseconds since 1970, which a number can't hold. */
  readonly atNs: bigint;
  readonly text: Buffer;
  readonly complete: boolean;
}

const NEWLINE = 0x0a;
const SPACE = 0x20;

/** Takes the engine's log stream apart. @param terminal - With one, it is not multiplexed: only lines, all of stdout. */
export async function* framesOf(chunks: AsyncIterable<Buffer>, terminal: boolean): AsyncGenerator<LogFrame> {
  for await (const { stream, bytes } of terminal ? linesOf(chunks) : demultiplex(chunks)) yield frameOf(stream, bytes);
}

async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<Payload> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(NEWLINE); end !== -1; end = rest.indexOf(NEWLINE)) {
      yield { stream: 'stdout', bytes: rest.subarray(0, end + 1) };
      rest = rest.subarray(end + 1);
    }
  }
}

/** Each begins with its time, as in `2026-01-31T12:00:00.123456789Z text`. */
function frameOf(stream: LogFrame['stream'], payload: Buffer): LogFrame {
  const space = payload.indexOf(SPACE);
  const complete = payload.at(-1) === NEWLINE;
  const text = payload.subarray(space + 1, complete ? payload.length - 1 : payload.length);
  return { stream, atNs: nanosecondsOf(payload.toString('latin1', 0, space)), text, complete };
}

function nanosecondsOf(timestamp: string): bigint {
  const [, seconds, fraction = '', zone] = /^([^.]*?)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$/.exec(timestamp) ?? [];
  const milliseconds = Date.parse(`${seconds}${zone}`);
  if (Number.isNaN(milliseconds)) throw new Error(`the Docker Engine's log has a line without a time: ${timestamp}`);
  return BigInt(milliseconds) * 1_000_000n + BigInt(fraction.padEnd(9, '0').slice(0, 9));
}
