/** Work that is done over and over, and at once where asked: never twice at the same time, and again where it was asked for meanwhile. */
export class Repeated {
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #ended = false;

  /** A failure is the emulator's, which may be about to end: the next time comes. */
  constructor(
    private readonly work: () => Promise<void>,
    private readonly pauseMilliseconds: number,
  ) {}

  /** @returns Once it was done after this call. */
  async now(): Promise<void> {
    if (this.#ended) return;
    this.#next ??= (this.#running ?? Promise.resolve()).then(async () => {
      this.#next = undefined;
      this.#running = this.#run();
      await this.#running;
    });
    await this.#next;
  }

  async end(): Promise<void> {
    this.#ended = true;
    clearTimeout(this.#timer);
    await (this.#next ?? this.#running);
    clearTimeout(this.#timer);
  }

  async #run(): Promise<void> {
    clearTimeout(this.#timer);
    if (this.#ended) return;
    try {
      await this.work();
    } catch {
      // See above.
    } finally {
      this.#running = undefined;
      this.#later();
    }
  }

  #later(): void {
    if (!this.#ended) this.#timer = setTimeout(() => void this.now(), this.pauseMilliseconds);
  }
}
