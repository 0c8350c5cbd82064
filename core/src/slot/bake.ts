import { goBack } from './backward.ts';
import type { Forward } from './forward.ts';
import { runOnHead } from './head-services.ts';
import { completeLedger } from './ledger.ts';
import { contractSchema } from './migration.ts';
import { endBake } from './moves.ts';
import { watch } from './watch.ts';
import { DONE, ended, enter, settle, superseded, type SlotOutcome } from './work.ts';

/** The head has moved, and is on record. It is watched, and turned back when it turns bad; only then the oldest standby is let go. */
export async function bake(work: Forward, usedBefore: ReadonlySet<string>): Promise<SlotOutcome> {
  const { session, hold } = work;
  enter(work, 'baking');
  await completeLedger(session, hold.slot);
  if (!(await hold.isStillOurs())) return ended(superseded(work));
  await runOnHead(work, usedBefore);
  const seconds = (Date.parse(hold.slot.bakeUntil ?? '') - session.clock.now().getTime()) / 1000;
  // A clock that was set back does not make it bake for longer than asked.
  const most = work.bakeSeconds ?? work.settings.slot.bakeSeconds;
  const trouble = seconds > 0 ? await watch(work, Math.min(seconds, most)) : undefined;
  // Whoever took it over may have gone back: nothing that comes below is ours to do then.
  if (!(await hold.isStillOurs())) return ended(superseded(work));
  if (trouble && hold.slot.standbys.length > 0) return goBack(work, trouble, true);
  if (trouble) work.warnings.push(`${trouble.message}; there is no standby to go back to`);
  enter(work, 'committed');
  await contractSchema(work);
  const at = session.clock.now();
  if (!(await hold.put((slot) => endBake(slot, at)))) return ended(superseded(work));
  await settle(work, usedBefore);
  enter(work, 'done');
  return DONE;
}
