import { normaliseError } from '../engine/call.ts';
import type { OperationRun } from '../engine/operation.ts';
import type { SlotOutcome, SlotWork } from './work.ts';

/**
 * Runs what goes on with a slot, and ends the operation as it ends. What is thrown instead of told is not decided: the slot may still be the
 * operation's, which therefore stays to be resumed.
 * @throws ProviderError what it ended with.
 */
export async function conclude(work: SlotWork, go: () => Promise<SlotOutcome>): Promise<void> {
  const { run, session, hold } = work;
  let outcome: SlotOutcome;
  try {
    outcome = await go();
  } catch (error) {
    await run.interrupt().catch(() => undefined); // what went wrong first is what is to be told
    throw normaliseError(error, { signal: run.signal, doing: `change slot ${hold.slot.name}` });
  }
  if (work.state !== undefined) run.note(work.state, work.state, outcome.state === 'done' ? 'done' : 'failed');
  if (outcome.state === 'done') {
    // Traffic is where it should be, whether or not this can be written: nothing is left to do.
    await run.finish({ generation: hold.slot.generation }).catch((error: unknown) => {
      session.emit({
        type: 'log',
        level: 'warn',
        message: `operation ${run.id}: its end was not written: ${String(error)}`,
      });
    });
    return;
  }
  await run.fail(outcome.error).catch(() => undefined); // as above
  throw outcome.error;
}

/** What fails here leaves the operation to whoever comes next, and not running in a process that does nothing more for it. */
export async function orLeave<T>(run: OperationRun | undefined, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await run?.interrupt().catch(() => undefined); // what went wrong first is what is to be told
    throw error;
  }
}
