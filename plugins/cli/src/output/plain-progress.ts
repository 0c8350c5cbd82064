import type { EngineEvent } from '@clusternator/core';
import type { Progress, ProgressOptions } from './progress.ts';
import { eventNote } from './event-note.ts';
import { elapsed, paintFor, printable } from './text.ts';

const SAY_STARTED_AFTER_MS = 1000;

interface Running {
  readonly startedAt: number;
  readonly timer: NodeJS.Timeout;
}

/** For logs: a line when a step ends, and one when it takes longer than a second. */
export class PlainProgress implements Progress {
  readonly #running = new Map<string, Running>();
  readonly #paint: ReturnType<typeof paintFor>;

  constructor(private readonly options: ProgressOptions) {
    this.#paint = paintFor(options.stream);
  }

  show(event: EngineEvent): void {
    if (event.type === 'step') {
      this.#step(event);
      return;
    }
    const note = eventNote(event, this.options.verbose, this.#paint);
    if (note !== undefined) this.note(note);
  }

  note(text: string): void {
    this.options.stream.write(`${text}\n`);
  }

  stop(): void {
    for (const { timer } of this.#running.values()) clearTimeout(timer);
    this.#running.clear();
  }

  #step(event: Extract<EngineEvent, { type: 'step' }>): void {
    const key = `${event.operation}/${event.step}`;
    const title = printable(event.title);
    if (event.state === 'started') {
      const timer = setTimeout(() => {
        this.note(`… ${title}`);
      }, SAY_STARTED_AFTER_MS).unref();
      this.#running.set(key, { startedAt: this.options.now(), timer });
      return;
    }
    const running = this.#running.get(key);
    clearTimeout(running?.timer);
    this.#running.delete(key);
    const took = running ? ` (${elapsed(this.options.now() - running.startedAt)})` : '';
    if (event.state === 'done') this.note(`✓ ${title}${took}`);
    if (event.state === 'known') this.note(`✓ ${title} (done before)`);
    if (event.state === 'failed') this.note(`✗ ${title}${took}`);
  }
}
