import { ProviderError } from '../provider/error.ts';
import type { Forward } from './forward.ts';
import { lookAt } from './gate.ts';
import { metricTroubles } from './metrics.ts';
import type { Call } from '../provider/host.ts';
import type { EnvironmentDocument } from '../state/documents.ts';
import { asProviderError, membersOf } from './work.ts';

const LOOK_SECONDS = 30;
/** In a row. With the config's interval between two looks a head that turned bad is left within two of them. */
const BAD_LOOKS = 2;

/**
 * Watches the environment that traffic goes to, until the time is over.
 * @param until - Monotonic seconds from now.
 * @returns Why it has to be turned back. Undefined: it stayed well. @throws What aborts the operation.
 */
export async function watch(work: Forward, seconds: number): Promise<ProviderError | undefined> {
  const { session, hold, settings, run } = work;
  const { clock } = session;
  const id = hold.slot.kind === 'bake' ? hold.slot.head : hold.slot.to;
  const document = id === undefined ? undefined : (await membersOf(session, hold.slot)).get(id);
  if (!document) return new ProviderError('unhealthy', `environment ${id ?? ''} is gone`);
  const { health } = settings.slot;
  const checks = health ? [health] : Object.values(document.spec?.services ?? {}).flatMap((one) => one.health ?? []);
  const everySeconds = Math.min(30, ...checks.map((check) => check.everySeconds), Math.max(0.1, seconds / 2));
  const until = clock.monotonicSeconds() + seconds;
  for (let bad = 0; ;) {
    const troubles = await session
      .briefly(`watch ${document.id}`, (call) => troublesOf(work, document, call), LOOK_SECONDS)
      .catch((error: unknown) => [asProviderError(error).message]); // what could not be seen in time is not seen to be well
    bad = troubles.length === 0 ? 0 : bad + 1;
    if (bad >= BAD_LOOKS) return turnedBad(document.id, troubles);
    const left = until - clock.monotonicSeconds();
    if (left <= 0 && bad === 0) return undefined;
    await clock.sleep(bad > 0 ? everySeconds : Math.min(everySeconds, left), run.signal);
    if (!(await hold.isStillOurs())) return undefined; // the next put says so
  }
}

async function troublesOf(
  { session, hold, settings }: Forward,
  document: EnvironmentDocument,
  call: Call,
): Promise<readonly string[]> {
  const { health, metrics } = settings.slot;
  const what = { slot: hold.slot.name, environment: document.id, commit: document.commit };
  const [look, numbers] = await Promise.all([
    lookAt(session, document, health, call).catch((error: unknown) => ({ troubles: [asProviderError(error).message] })),
    metricTroubles(session, metrics, what, call),
  ]);
  return [...look.troubles, ...numbers];
}

function turnedBad(id: string, troubles: readonly string[]): ProviderError {
  return new ProviderError('unhealthy', `environment ${id} turned bad: ${troubles.join('; ')}`, {
    hint: `clusternator env logs ${id}`,
  });
}
