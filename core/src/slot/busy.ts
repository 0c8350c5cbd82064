import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import { environmentDriver } from './gate.ts';
import type { SlotDocument } from './documents.ts';
import { isDrained } from './moves.ts';
import { membersOf } from './work.ts';

/** Without a request for so long, nobody is asking any more. */
const QUIET_SECONDS = 60;
/** Who asks on for so long after it should have ended, means the environment and not the slot. */
const LONGEST_SECONDS = 24 * 3600;
const LOOK_SECONDS = 10;

/**
 * The environments that have drained for as long as they have to, and still have traffic, as far as their provider can tell
 * (`environments.traffic`). One that can't be asked is busy: unknown is not the end of it.
 */
export async function busyOnes(session: Session, slot: SlotDocument): Promise<ReadonlySet<string>> {
  const now = session.clock.now();
  const late = slot.draining.filter(
    (one) => isDrained(one, now) && now.getTime() - Date.parse(one.until) < LONGEST_SECONDS * 1000,
  );
  if (late.length === 0) return new Set();
  const members = await membersOf(session, slot);
  const busy = await Promise.all(
    late.map(async ({ environment: id }) => {
      const member = members.get(id);
      if (member?.phase !== 'ready' || !member.environment) return [];
      const { environment } = member;
      const { capabilities } = await session.bind(member.provider);
      if (capabilities['environments.traffic']?.can !== 'yes') return [];
      const driver = await environmentDriver(session, member);
      try {
        const health = await session.briefly(`look at ${id}`, (call) => driver.health(environment, call), LOOK_SECONDS);
        const { observedAt, lastRequestAt } = health; // of one clock, which need not be ours
        const isQuiet = !lastRequestAt || observedAt.getTime() - lastRequestAt.getTime() >= QUIET_SECONDS * 1000;
        return isQuiet ? [] : [id];
      } catch (error) {
        if (ProviderError.is(error) && error.code === 'not-found') return [];
        return [id];
      }
    }),
  );
  return new Set(busy.flat());
}
