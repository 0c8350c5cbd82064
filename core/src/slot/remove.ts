import { writeRecords } from '../dns/write-records.ts';
import { ProviderError } from '../provider/error.ts';
import type { Call } from '../provider/host.ts';
import type { SlotDocument } from './documents.ts';
import { endSlot } from './ending.ts';
import { completeLedger, hasMade } from './ledger.ts';
import { usedBy } from './moves.ts';
import { LATE } from './router.ts';
import { DONE, ended, enter, settle, superseded, type SlotOutcome, type SlotWork } from './work.ts';

const TRYING_SECONDS = 600;
const PAUSE_SECONDS = 1;

/**
 * What a destroy does once it owns the slot. Re-entrant. Names first: none is to lead to what is not ours any more.
 * @param how - `taken over`: the process before may only sleep, and what it sent may be late.
 */
export async function removeSlot(work: SlotWork, how: 'claimed' | 'taken over'): Promise<SlotOutcome> {
  const { session, hold, router, run, by, reason } = work;
  enter(work, 'removing');
  const usedBefore = usedBy(hold.slot);
  const { name, generation } = hold.slot;
  // The document is what the last line is written from, and it has no head then.
  await completeLedger(session, hold.slot);
  const isOurs = (): Promise<boolean> => hold.isStillOurs();
  if (how === 'taken over' && hasNames(hold.slot)) await session.clock.sleep(LATE.waitSeconds, run.signal);
  if (!(await removeNames(work))) return ended(superseded(work));
  if ((await router.remove(name, isOurs, run.signal)) === 'lost') return ended(superseded(work));
  const at = session.clock.now().toISOString();
  const destroyed = { operation: run.id, by, at, ...(reason !== undefined && { reason }) };
  if (!(await hold.put((slot) => endSlot(slot, destroyed))) && !(await hasMade(session, name, run.id, generation)))
    return ended(superseded(work));
  await settle(work, usedBefore);
  enter(work, 'destroyed');
  return DONE;
}

function hasNames({ records = [], formerHosts = [] }: SlotDocument): boolean {
  return records.length + formerHosts.length > 0;
}

/**
 * Removes the records that were written for the slot, and those of names that it had by DNS. A zone compares values alone, and those of a slot
 * that was made anew are the same: so they are removed only by who was just seen to own the slot, and soon.
 * @returns False: another operation took the slot over.
 */
async function removeNames({ session, hold, run }: SlotWork): Promise<boolean> {
  const { slot } = hold;
  if (!hasNames(slot)) return true;
  const { clock } = session;
  const what = `slot ${slot.name}`;
  const until = clock.monotonicSeconds() + TRYING_SECONDS;
  const remove = async (call: Call): Promise<void> => {
    await writeRecords(session, { ...slot, what }, [], call);
    if (slot.mechanism !== 'dns' || !slot.formerHosts?.length) return;
    const { dnsSlots } = await import('./dns-slots.ts');
    const { driver } = await dnsSlots(session, slot.dns ?? slot.provider);
    await driver.forget(slot.formerHosts, call);
  };
  let isUnclear = false;
  for (;;) {
    const sinceSeconds = clock.monotonicSeconds();
    if (!(await hold.isStillOurs())) return false;
    try {
      if (clock.monotonicSeconds() - sinceSeconds <= LATE.freshSeconds) {
        await session.briefly(`remove the records of ${what}`, remove, LATE.sendSeconds);
        if (isUnclear) await clock.sleep(LATE.waitSeconds, run.signal);
        return true;
      }
    } catch (error) {
      run.signal.throwIfAborted();
      if (!ProviderError.is(error) || error.retry === 'never' || clock.monotonicSeconds() >= until) throw error;
      isUnclear ||= error.effect !== 'none';
    }
    await clock.sleep(PAUSE_SECONDS * Math.random(), run.signal);
  }
}
