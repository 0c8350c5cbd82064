import { EventEmitter, on } from 'node:events';
import type { EngineEvent } from '../engine/events.ts';

/** What the engine tells, for any number that listen. */
export class EventStream {
  readonly #emitter = new EventEmitter().setMaxListeners(0);

  constructor(private readonly first: (event: EngineEvent) => void) {}

  readonly emit = (event: EngineEvent): void => {
    this.first(event);
    this.#emitter.emit('event', event);
  };

  /** From the moment of the call on, until the stream ends or the loop is left. What is not read yet is kept. */
  events(): AsyncIterableIterator<EngineEvent> {
    return unwrapped(on(this.#emitter, 'event', { close: ['end'] }));
  }

  end(): void {
    this.#emitter.emit('end');
  }
}

async function* unwrapped(events: AsyncIterable<unknown[]>): AsyncGenerator<EngineEvent> {
  for await (const [event] of events) yield event as EngineEvent; // what `emit` was given
}
