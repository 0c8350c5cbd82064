import type { Clock } from '../engine/clock.ts';
import { pollUntilSettled } from '../engine/poll.ts';
import { retrying } from '../engine/retry.ts';
import type { Call } from '../provider/host.ts';
import type { ResourceRef } from '../provider/resource.ts';
import type { EnvironmentDriver } from './environment.ts';

/** Services that are to stop while their environment stays. */
export interface Stopping {
  readonly ref: ResourceRef;
  readonly services: readonly string[];
  /** For messages and progress. */
  readonly doing: string;
  /** Before the first of them is stopped. */
  readonly onRunning?: () => void;
}

/**
 * Scales services to none, and waits until nothing of them runs. Of an environment that is not there nothing runs. With `environments.scale`.
 * @throws ProviderError `timeout` or `cancelled` by the call's signal, with what it waited for.
 */
export async function stopServices(
  clock: Clock,
  driver: EnvironmentDriver,
  { ref, services, doing, onRunning }: Stopping,
  call: Call,
): Promise<void> {
  let isTold = false;
  const once = async (): Promise<{ phase: 'stopped' | 'destroying'; message?: string }> => {
    const found = await driver.read(ref, call);
    const left = services.filter((name) => found && found.parts[name]?.phase !== 'stopped');
    if (!found || left.length === 0) return { phase: 'stopped' };
    if (!isTold) onRunning?.();
    isTold = true;
    const running = left.filter((name) => found.parts[name]?.phase !== 'destroying');
    const none = Object.fromEntries(running.map((name) => [name, { min: 0, max: 0 }]));
    if (running.length > 0) await driver.scale?.(found, none, call);
    return { phase: 'destroying', message: `${left.join(', ')} of ${ref.id} to stop` };
  };
  const again = { observe: () => Promise.resolve({ state: 'again' as const }) };
  await pollUntilSettled(() => retrying(once, { clock, call, doing, ...again }), { clock, call, doing });
}
