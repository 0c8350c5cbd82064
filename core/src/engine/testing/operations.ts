import { z } from 'zod';
import type { Call } from '../../provider/host.ts';
import { memoryStore } from '../../state/memory.ts';
import type { StateStore } from '../../state/store.ts';
import type { Clock } from '../clock.ts';
import type { EngineEvent } from '../events.ts';
import type { ProcessIdentity } from '../identity.ts';
import type { OperationDeps } from '../operation.ts';
import type { Step } from '../steps.ts';
import { VirtualClock } from './virtual-clock.ts';

/** A process that never was. */
export function someProcess(pid: number, more: Partial<ProcessIdentity> = {}): ProcessIdentity {
  return { machine: 'm', boot: 'b', pidNamespace: 'n', pid, started: '1', user: 'ann', host: 'box', ...more };
}

/** One of several processes on a store and a clock that they share. */
export function processOn(
  world: { readonly store: StateStore; readonly clock: Clock },
  pid: number,
  more: Partial<OperationDeps> = {},
) {
  const abort = new AbortController();
  const events: EngineEvent[] = [];
  const deps: OperationDeps = {
    ...world,
    identity: someProcess(pid),
    emit: (event) => events.push(event),
    signal: abort.signal,
    liveness: () => 'unknown',
    ...more,
  };
  return { deps, abort, events };
}

export function newWorld(): { readonly store: StateStore; readonly clock: VirtualClock } {
  return { store: memoryStore(), clock: new VirtualClock() };
}

/** A step whose result is a text. */
export function textStep(
  id: string,
  run: (call: Call) => Promise<string>,
  more: Partial<Step<string>> = {},
): Step<string> {
  return { id, title: `do ${id}`, result: z.string(), deadlineSeconds: 60, run, ...more };
}
