import { Exit } from './errors.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** What listens to a person who wants to stop. */
export interface Interruption {
  readonly signal: AbortSignal;
  received(): boolean;
  /** Stops listening: the next Ctrl-C ends the process as usual. */
  dispose(): void;
}

/**
 * The first signal aborts, so that the engine can write down where it stopped. The second one ends the process at once: what is
 * unfinished is in the journal either way.
 * @param process - Where the signals arrive.
 * @param onFirst - Tells the person that it was heard.
 */
export function listenForSignals(
  process: Pick<NodeJS.Process, 'on' | 'off' | 'exit'>,
  onFirst: (signal: string) => void,
): Interruption {
  const controller = new AbortController();
  const heard = (signal: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(Exit.interrupted);
    onFirst(signal);
    controller.abort(new DOMException(`interrupted by ${signal}`, 'AbortError'));
  };
  for (const signal of SIGNALS) process.on(signal, heard);
  return {
    signal: controller.signal,
    received: () => controller.signal.aborted,
    dispose: () => {
      for (const signal of SIGNALS) process.off(signal, heard);
    },
  };
}
