import type { EngineEvent } from '@clusternator/core';
import type { Progress, ProgressOptions } from './progress.ts';
import { eventNote } from './event-note.ts';
import { bytesText, clip, elapsed, paintFor, printable } from './text.ts';

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const FRAME_MS = 100;
/** A quick step never flickers: it is shown when it is done. */
const SPIN_AFTER_MS = 1000;
const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';

interface Running {
  readonly title: string;
  readonly startedAt: number;
  detail: string;
}

/** Steps that are done stay as lines; below them each running one has a live line, once it takes longer than a second. */
export class TerminalProgress implements Progress {
  readonly #running = new Map<string, Running>();
  readonly #paint: ReturnType<typeof paintFor>;
  #drawnLines = 0;
  #frame = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: ProgressOptions) {
    this.#paint = paintFor(options.stream);
  }

  show(event: EngineEvent): void {
    if (event.type === 'step') this.#step(event);
    if (event.type === 'progress' && !this.options.verbose) this.#detail(event.step, describe(event));
    if (event.type === 'output' && !this.options.verbose) this.#detail(undefined, printable(event.text));
    const note = eventNote(event, this.options.verbose, this.#paint);
    if (note !== undefined) this.note(note);
  }

  note(text: string): void {
    this.#erase();
    this.options.stream.write(`${text}\n`);
    this.#draw();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#erase();
    this.#running.clear();
  }

  #step(event: Extract<EngineEvent, { type: 'step' }>): void {
    const key = `${event.operation}/${event.step}`;
    const running = this.#running.get(key);
    this.#running.delete(key);
    const title = printable(event.title);
    if (event.state === 'started') {
      this.#running.set(key, { title, startedAt: this.options.now(), detail: '' });
      this.#timer ??= setInterval(() => {
        this.#tick();
      }, FRAME_MS).unref();
      return;
    }
    const took = running ? this.#paint('dim', ` ${elapsed(this.options.now() - running.startedAt)}`) : '';
    if (event.state === 'failed') this.note(`${this.#paint('red', '✗')} ${title}${took}`);
    if (event.state === 'done') this.note(`${this.#paint('green', '✓')} ${title}${took}`);
    if (event.state === 'known')
      this.note(`${this.#paint('green', '✓')} ${title}${this.#paint('dim', ' done before')}`);
  }

  /** Events of builds name no step: theirs is the newest. */
  #detail(step: string | undefined, detail: string): void {
    const all = [...this.#running];
    const found = step === undefined ? all.at(-1) : all.find(([key]) => key.endsWith(`/${step}`));
    if (found) found[1].detail = detail;
  }

  #tick(): void {
    this.#frame = (this.#frame + 1) % FRAMES.length;
    this.#erase();
    this.#draw();
  }

  #draw(): void {
    const now = this.options.now();
    const slow = [...this.#running.values()].filter((one) => now - one.startedAt >= SPIN_AFTER_MS);
    if (slow.length === 0) return;
    const width = Math.max(20, this.options.stream.columns || 80) - 1;
    const lines = slow.map((one) => {
      const text = clip(
        `${one.title} ${elapsed(now - one.startedAt)}${one.detail ? `  ${one.detail}` : ''}`,
        width - 2,
      );
      const head = clip(one.title, width - 2);
      return `${this.#paint('cyan', FRAMES[this.#frame] ?? '')} ${head}${this.#paint('dim', text.slice(head.length))}`;
    });
    this.options.stream.write(`${HIDE_CURSOR}${lines.join('\n')}\n`);
    this.#drawnLines = lines.length;
  }

  #erase(): void {
    if (this.#drawnLines === 0) return;
    this.options.stream.write(`\u001b[${String(this.#drawnLines)}A\u001b[0J${SHOW_CURSOR}`);
    this.#drawnLines = 0;
  }
}

function describe(event: Extract<EngineEvent, { type: 'progress' }>): string {
  const message = printable(event.message);
  const { done, total, unit } = event;
  if (done === undefined) return message;
  const many = (amount: number): string => (unit === 'bytes' ? bytesText(amount) : String(amount));
  if (total === undefined || total === 0) return unit === undefined ? message : `${message} ${many(done)}`;
  const percent = `${String(Math.floor((100 * done) / total))} %`;
  return unit === 'bytes' ? `${message} ${many(done)} of ${many(total)}, ${percent}` : `${message} ${percent}`;
}
