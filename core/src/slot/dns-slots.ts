import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import type { SlotDriver } from './slot.ts';

/** Slots by DNS. */
export async function dnsSlots(
  session: Session,
): Promise<{ readonly driver: SlotDriver; readonly comparesAndSets: boolean }> {
  throw new ProviderError('unsupported', `slots by DNS of ${session.project} are not there yet`);
}
