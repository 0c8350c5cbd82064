import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { redactor } from '@clusternator/core/provider';
import type { LogLineView } from '../control/views.ts';
import { LogReader, LogWriter } from './log-file.ts';
import type { StoredLine } from './log-lines.ts';

/** Bounds a service's log to twice this. */
const MAX_FILE_BYTES = 4 * 1024 * 1024;
const TAIL_LINES = 20;

export interface LogRequest {
  /** Left out: all. */
  readonly services?: readonly string[];
  readonly since?: Date;
  /** A line's cursor. */
  readonly after?: string;
  readonly follow: boolean;
}

interface ServiceLog {
  readonly writer: LogWriter;
  /** The newest lines, for error messages. */
  readonly tail: string[];
}

/** The lines of all services of one environment, on disk, in the order in which they came. */
export class EnvironmentLog {
  readonly #folder: string;
  readonly #services = new Map<string, ServiceLog>();
  readonly #waiting = new Set<() => void>();
  #redact: (text: string) => string = (text) => text;
  #cursor = 0;
  #closed = false;

  /** @param services - Of the environment: what else lies in the folder is never read. */
  constructor(folder: string, services: readonly string[], maxFileBytes = MAX_FILE_BYTES) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#folder = folder;
    for (const name of services) {
      this.#services.set(name, { writer: new LogWriter(this.#fileOf(name), maxFileBytes), tail: [] });
    }
    this.#recall();
  }

  /** Lines are kept without these from now on: a failing service's last ones end up in messages, and those in the state. */
  hide(secrets: Iterable<string>): void {
    this.#redact = redactor(secrets);
  }

  /** @param source - Of lines that come from elsewhere: when they were written there, and where to go on after them. */
  append(
    service: string,
    instance: string,
    written: readonly string[],
    source: { at?: Date; mark?: string } = {},
  ): void {
    const log = this.#services.get(service);
    if (!log || this.#closed || written.length === 0) return;
    const texts = written.map(this.#redact);
    const now = new Date();
    const lines = texts.map((text) => {
      this.#cursor = Math.max(this.#cursor + 1, now.getTime() * 1000);
      return { cursor: this.#cursor, at: source.at ?? now, instance, mark: source.mark ?? '-', text };
    });
    log.writer.append(lines);
    log.tail.push(...texts.slice(-TAIL_LINES));
    log.tail.splice(0, log.tail.length - TAIL_LINES);
    this.#wake();
  }

  /** The newest lines of a service, oldest first. */
  tail(service: string, lines: number): readonly string[] {
    return this.#services.get(service)?.tail.slice(-lines) ?? [];
  }

  /** Forgets the tail, so that a new start is not blamed for an old one's words. */
  clearTail(service: string): void {
    const log = this.#services.get(service);
    if (log) log.tail.length = 0;
  }

  /** The newest mark of each instance of a service. */
  marks(service: string): ReadonlyMap<string, string> {
    const marks = new Map<string, string>();
    const reader = new LogReader(this.#fileOf(service));
    for (let line = reader.take(); line; line = reader.take())
      if (line.mark !== '-') marks.set(line.instance, line.mark);
    reader.close();
    return marks;
  }

  /** Oldest first. Ends with the signal, with the environment or, unless it follows, with the newest line. */
  async *read(request: LogRequest, signal: AbortSignal): AsyncGenerator<LogLineView> {
    const names = [...this.#services.keys()].filter((name) => request.services?.includes(name) ?? true);
    const readers = new Map(names.map((name) => [name, new LogReader(this.#fileOf(name))]));
    const after = Number(request.after ?? 0);
    const sinceMs = request.since?.getTime() ?? 0;
    try {
      while (!signal.aborted) {
        const change = this.#change(signal);
        for (let next = takeOldest(readers); next; next = takeOldest(readers)) {
          const { service, line } = next;
          if (line.cursor <= after || line.at.getTime() < sinceMs) continue;
          const { at, instance, text, cursor } = line;
          yield { at: at.toISOString(), service, instance, text, cursor: String(cursor) };
        }
        if (!request.follow || this.#closed) return;
        await change;
      }
    } finally {
      for (const reader of readers.values()) reader.close();
    }
  }

  /** Ends all who read. */
  close(): void {
    this.#closed = true;
    for (const { writer } of this.#services.values()) writer.close();
    this.#wake();
  }

  #fileOf(service: string): string {
    return path.join(this.#folder, `${service}.log`);
  }

  /** Cursors go on rising after a restart, also when the clock was set back. */
  #recall(): void {
    for (const [name, log] of this.#services) {
      const reader = new LogReader(this.#fileOf(name));
      for (let line = reader.take(); line; line = reader.take()) {
        this.#cursor = Math.max(this.#cursor, line.cursor);
        log.tail.push(line.text);
        if (log.tail.length > TAIL_LINES) log.tail.shift();
      }
      reader.close();
    }
  }

  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}

function takeOldest(readers: ReadonlyMap<string, LogReader>): { service: string; line: StoredLine } | undefined {
  let oldest: { service: string; line: StoredLine } | undefined;
  for (const [service, reader] of readers) {
    const line = reader.peek();
    if (line && (!oldest || line.cursor < oldest.line.cursor)) oldest = { service, line };
  }
  if (oldest) readers.get(oldest.service)?.take();
  return oldest;
}
