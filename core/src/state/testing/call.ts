import type { Call } from '../../provider/host.ts';

/** A call for tests that are not about calls. */
export function testCall(signal: AbortSignal = new AbortController().signal): Call {
  return {
    signal,
    deadline: new Date(Date.now() + 60_000),
    operation: 'test',
    token: (use) => `test-${use ?? 'token'}`,
    progress: () => {},
  };
}
