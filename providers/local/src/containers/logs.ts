import { setTimeout as sleep } from 'node:timers/promises';
import { ProviderError } from '@clusternator/core/provider';
import type { Containers } from './containers.ts';
import type { Engine } from './engine.ts';
import { errorOf, isUnreachable } from './errors.ts';
import type { ContainerLogLine, LogsQuery } from './instance.ts';
import { LogCursor } from './log-cursor.ts';
import { framesOf, type LogFrame } from './log-frames.ts';

/** A line that has no end in sight is cut. */
const LONGEST_LINE_BYTES = 1024 * 1024;
const SHORTEST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2000;
const NS_PER_MS = 1_000_000n;

interface Source {
  readonly id: string;
  readonly terminal: boolean;
}

/** Reads what containers write. */
export class Logs {
  constructor(
    private readonly engine: Engine,
    private readonly containers: Containers,
  ) {}

  /** The newest lines, oldest first. None where there is no container. */
  async last(name: string, count: number, signal: AbortSignal): Promise<string[]> {
    const found = await this.containers.find(name, signal);
    if (!found) return [];
    const source = { id: found.Id, terminal: found.Config.Tty };
    const lines: string[] = [];
    const reader = new LineReader(new LogCursor(), undefined);
    for await (const line of reader.read(this.frames(source, { tail: String(count) }, signal))) lines.push(line.text);
    return [...lines, ...[...reader.flush()].map(({ text }) => text)];
  }

  /** The container of now: one that is made anew under its name has a log of its own. @throws ProviderError `not-found`. */
  async *read(name: string, query: LogsQuery, signal: AbortSignal): AsyncGenerator<ContainerLogLine> {
    const found = await this.containers.find(name, signal);
    if (!found) throw new ProviderError('not-found', `there is no container ${name}`);
    const source = { id: found.Id, terminal: found.Config.Tty };
    const cursor = query.after === undefined ? new LogCursor() : LogCursor.parse(query.after);
    const reader = new LineReader(cursor, query.since);
    if (query.follow) yield* this.follow(source, reader, signal);
    yield* this.once(source, reader, false, signal);
    yield* reader.flush();
  }

  /** The engine ends the stream when the process ends, also where it starts it again, and when it is stopped itself. */
  private async *follow(source: Source, reader: LineReader, signal: AbortSignal): AsyncGenerator<ContainerLogLine> {
    for (let pauseMs = SHORTEST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      try {
        for await (const line of this.once(source, reader, true, signal)) {
          pauseMs = SHORTEST_PAUSE_MS;
          yield line;
        }
        const container = await this.containers.find(source.id, signal);
        if (!container?.State.Running) return;
      } catch (error) {
        if (signal.aborted || !isUnreachable(error)) throw error;
      }
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }

  private async *once(
    source: Source,
    reader: LineReader,
    follow: boolean,
    signal: AbortSignal,
  ): AsyncGenerator<ContainerLogLine> {
    const query = { follow: follow ? '1' : '0', ...reader.query() };
    try {
      yield* reader.read(this.frames(source, query, signal));
    } catch (error) {
      // Removed while it was read, or about to be: there is no more.
      if (!(ProviderError.is(error) && (error.code === 'not-found' || error.code === 'conflict'))) throw error;
    }
  }

  private async *frames(
    source: Source,
    query: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): AsyncGenerator<LogFrame> {
    const doing = `read the log of the container ${source.id.slice(0, 12)}`;
    const all = { stdout: '1', stderr: '1', timestamps: '1', ...query };
    const stream = await this.engine.stream(doing, `/containers/${source.id}/logs`, all, signal);
    try {
      yield* framesOf(stream, source.terminal);
    } catch (cause) {
      throw errorOf(cause, { doing, signal, timeoutSeconds: 0 });
    }
  }
}

/** Makes lines of frames, over as many streams as it takes. */
class LineReader {
  private partial: { stream: LogFrame['stream']; atNs: bigint; parts: Buffer[]; bytes: number } | undefined;
  private readonly fromNs: bigint;

  constructor(
    private cursor: LogCursor,
    since: Date | undefined,
  ) {
    this.fromNs = since ? BigInt(since.getTime()) * NS_PER_MS : 0n;
    this.firstSecond = since && BigInt(Math.floor(since.getTime() / 1000)) - 1n;
  }
  private readonly firstSecond: bigint | undefined;

  /** From when on the engine is to answer: whole seconds, as the cursor counts in them. */
  query(): Record<string, string> {
    const since = this.cursor.sinceSeconds ?? this.firstSecond;
    return since === undefined || since < 0n ? {} : { since: String(since) };
  }

  async *read(frames: AsyncIterable<LogFrame>): AsyncGenerator<ContainerLogLine> {
    const seen = this.cursor;
    // Counts anew while it passes what was seen; broken off before, the old count still holds.
    const counted = new LogCursor();
    let toSkip = seen.seenFrames;
    if (toSkip === 0) this.cursor = counted;
    for await (const frame of frames) {
      if (toSkip > 0 && seen.mayHaveSeen(frame.atNs)) {
        counted.count(frame.atNs);
        toSkip--;
        if (toSkip === 0) this.cursor = counted;
        continue;
      }
      toSkip = 0;
      this.cursor = counted;
      yield* this.take(frame);
    }
  }

  /** A line without an end, where no more will come. */
  *flush(): Generator<ContainerLogLine> {
    if (this.partial) yield this.lineOf(this.partial);
    this.partial = undefined;
  }

  private *take(frame: LogFrame): Generator<ContainerLogLine> {
    // Kept back, it would have to be read again by whoever goes on from the other stream's line.
    if (this.partial && this.partial.stream !== frame.stream) yield* this.flush();
    this.cursor.count(frame.atNs);
    if (frame.atNs < this.fromNs) return;
    const { stream, atNs, text, complete } = frame;
    const partial = (this.partial ??= { stream, atNs, parts: [], bytes: 0 });
    partial.parts.push(text);
    partial.bytes += text.length;
    if (complete || partial.bytes >= LONGEST_LINE_BYTES) yield* this.flush();
  }

  private lineOf({ stream, atNs, parts }: NonNullable<LineReader['partial']>): ContainerLogLine {
    const text = Buffer.concat(parts).toString('utf8').replace(/\r$/, '');
    return { at: new Date(Number(atNs / NS_PER_MS)), stream, text, cursor: this.cursor.toString() };
  }
}
