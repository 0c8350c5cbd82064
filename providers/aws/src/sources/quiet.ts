import type { Host } from '@clusternator/core/provider';

/** A logger: the SDK warns on the console of an upload that it can't repeat by itself. Core repeats it. */
export function quiet(host: Host) {
  const say = (message: unknown): void => {
    host.log('debug', String(message));
  };
  const nothing = (): void => {};
  return { trace: nothing, debug: nothing, info: nothing, warn: say, error: say };
}
