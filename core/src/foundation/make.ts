import { z } from 'zod';
import { errorRecord } from '../engine/journal.ts';
import type { OperationRun } from '../engine/operation.ts';
import { isOnItsWay, pollUntilSettled } from '../engine/poll.ts';
import { retrying } from '../engine/retry.ts';
import type { BoundProvider } from '../host/drivers.ts';
import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import type { Foundation, FoundationSpec } from '../provider/foundation.ts';
import type { Call } from '../provider/host.ts';
import { DocumentHold } from '../storage/hold-document.ts';
import { foundationSpec } from './ask.ts';
import type { FoundationDocument } from './documents.ts';
import { foundationDriver, issueOf, isUnmade } from './outputs.ts';
import { RecordKeeping } from './records.ts';
import { delegationOf, served } from './zones.ts';

/** A load balancer takes minutes, a certificate waits for its records. */
const MAKE_SECONDS = 2 * 3600;
/** Somebody has to lead to a zone that was just made, which may be days: so long it is waited for, and the next command goes on. */
const DELEGATION_SECONDS = 600;
const STEP = 'foundation';

const providerSchema = z.object({ name: z.string(), config: z.record(z.string(), z.unknown()) });
/** `changes`: also where one is there. */
export const makeInputSchema = z.object({
  id: z.string(),
  provider: providerSchema,
  dns: providerSchema.exactOptional(),
  domain: z.string().exactOptional(),
  changes: z.boolean(),
});
export type MakeInput = z.output<typeof makeInputSchema>;

const foundationSchema = z.custom<Foundation<unknown>>((value) => typeof value === 'object' && value !== null);

type Hold = DocumentHold<FoundationDocument>;

/**
 * Makes a foundation, or changes the one that is there; what was left unfinished of it is finished first. Its document says what may be there
 * before the cloud is asked, and who works on it, so that there are never two.
 * @throws ProviderError what the provider and the DNS say. What was made until then stays: the next command goes on with it.
 */
export async function makeFoundation(session: Session, run: OperationRun, input: MakeInput): Promise<void> {
  const { id } = input;
  const bound = await session.bind(input.provider);
  const spec = foundationSpec(session, input, bound);
  const hold: Hold = new DocumentHold(session, session.documents.foundations, run, id);
  const isMade = run.document.steps.some((step) => step.id === STEP && step.state === 'done');
  const taken = await hold.take((found) => {
    const isOurs = found?.owner?.operation === run.id;
    // It was let go of before: this is the same operation again, after a crash.
    if (isMade && !isOurs) return undefined;
    if (found && !isUnmade(found) && !input.changes && !isOurs) return undefined;
    return asked(session, input, spec, found);
  }, 'wait');
  if (!taken) return;
  try {
    const foundation = await run.step({
      id: STEP,
      title: `make the foundation ${id}`,
      result: foundationSchema,
      deadlineSeconds: MAKE_SECONDS,
      errorOf: (cause) => bound.provider.errorOf(cause),
      run: (call) => untilWhole({ session, bound, hold, spec }, taken, call),
    });
    await hold.release(({ error: _, ...now }) => ({
      ...served(now),
      foundation,
      phase: 'ready',
      readyAt: session.clock.now().toISOString(),
    }));
  } catch (error) {
    if (!run.signal.aborted) await leaveFailed(hold, error);
    throw error;
  } finally {
    session.foundations.forget(id);
  }
}

function asked(
  session: Session,
  { id, provider, dns }: MakeInput,
  spec: FoundationSpec,
  found: FoundationDocument | undefined,
): FoundationDocument {
  const { dns: _, ...before } = found ?? { createdAt: session.clock.now().toISOString() };
  return { ...before, schema: 1, id, phase: 'creating', provider, spec, ...(dns && { dns }) };
}

interface Making {
  readonly session: Session;
  readonly bound: BoundProvider;
  readonly hold: Hold;
  readonly spec: FoundationSpec;
}

/** Asks until it is whole. Its records are written meanwhile: a certificate waits for them. */
async function untilWhole(
  { session, bound, hold, spec }: Making,
  taken: FoundationDocument,
  call: Call,
): Promise<Foundation<unknown>> {
  const { clock } = session;
  const driver = await foundationDriver(bound);
  const doing = `make the foundation ${taken.id}`;
  const retries = { clock, call, doing, errorOf: (cause: unknown) => bound.provider.errorOf(cause) };
  const records = new RecordKeeping(session, hold, taken, call);
  // One that is in another account or region is told so by its driver, before there is a second one here.
  if (taken.foundation) {
    const ref = { id: spec.id, handle: taken.foundation.handle };
    await retrying(() => driver.read(ref, call), retries);
  }
  const ensure = async (): Promise<Foundation<unknown>> => {
    // The same call again is safe under the same token, so what a lost answer did is found by asking again.
    const now = await retrying(() => driver.ensure(spec, call), {
      ...retries,
      observe: () => Promise.resolve({ state: 'again' }),
    });
    await records.write(now.records ?? [], now.phase === 'active');
    return now;
  };
  const begin = clock.monotonicSeconds();
  const isInVain = ({ phase }: Foundation<unknown>): boolean =>
    phase === 'creating' && records.unserved !== undefined && clock.monotonicSeconds() - begin >= DELEGATION_SECONDS;
  const isSettled = (now: Foundation<unknown>): boolean => !isOnItsWay(now) || isInVain(now);
  const made = await pollUntilSettled(ensure, { clock, call, doing, isSettled });
  const { unserved } = records;
  if (unserved && isInVain(made)) {
    throw new ProviderError('timeout', `${doing}: nobody is led to the zone ${unserved.name}; ${made.message ?? ''}`, {
      effect: 'applied',
      retry: 'never',
      hint: `${delegationOf(unserved)}; then the same command goes on from there`,
    });
  }
  if (made.phase !== 'active')
    throw new ProviderError('unavailable', `${doing}: ${made.message ?? `it is ${made.phase}`}`);
  const outputs = driver.outputs.safeParse(made.outputs);
  if (outputs.success) return made;
  throw new ProviderError(
    'internal',
    `${doing}: what it gives out is not as the provider says: ${issueOf(outputs.error)}`,
    {
      effect: 'applied',
      cause: outputs.error,
      hint: `a mistake in the provider "${bound.provider.id}": tell its author`,
    },
  );
}

/** What stood on it before stands on it still. */
async function leaveFailed(hold: Hold, error: unknown): Promise<void> {
  if (ProviderError.is(error) && error.code === 'superseded') return;
  await hold.release((now) => ({
    ...now,
    phase: now.foundation === undefined ? 'failed' : 'ready',
    error: errorRecord(error),
  }));
}
