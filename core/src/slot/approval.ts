import { ProviderError } from '../provider/error.ts';
import type { SlotWork } from './work.ts';

const LOOK_EVERY_SECONDS = 0.5;

/** Asks for approval in the slot's document and waits for it there. @throws ProviderError `refused`: nobody approved. */
export async function waitForApproval({ session, hold, run }: SlotWork, withinSeconds: number): Promise<void> {
  const { clock } = session;
  if (!hold.slot.approval) {
    const approval = { askedAt: clock.now().toISOString() };
    if (!(await hold.put((slot) => ({ ...slot, approval: slot.approval ?? approval })))) throw gone(hold.slot.name);
  }
  const name = hold.slot.name;
  session.emit({ type: 'progress', operation: run.id, step: 'approval', message: `clusternator slot approve ${name}` });
  const until = clock.monotonicSeconds() + withinSeconds;
  while (hold.slot.approval?.at === undefined) {
    if (clock.monotonicSeconds() >= until) {
      // Not `timeout`: nothing goes on.
      throw new ProviderError('refused', `nobody approved the promotion of ${name} within ${String(withinSeconds)} s`, {
        effect: 'none',
        hint: `promote it again, then have somebody say: clusternator slot approve ${name}`,
      });
    }
    await clock.sleep(LOOK_EVERY_SECONDS, run.signal);
    if (!(await hold.isStillOurs())) throw gone(name);
  }
}

function gone(name: string): ProviderError {
  return new ProviderError('superseded', `slot ${name} was taken over by another operation`, { effect: 'none' });
}
