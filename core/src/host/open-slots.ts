import { ProviderError } from '../provider/error.ts';
import type { Session } from './session.ts';
import type { Slots } from './slots.ts';

/** The slots of an opened project. What a verb needs is loaded when it is called. */
export function openSlots(session: Session): Slots {
  const later = (): never => {
    throw new ProviderError('unsupported', `slots of ${session.project} are not there yet`);
  };
  return {
    list: async () => later(),
    show: async () => later(),
    promote: async () => later(),
    planPromotion: async () => later(),
    rollback: async () => later(),
    planRollback: async () => later(),
    approve: async () => later(),
    unpin: async () => later(),
    repair: async () => later(),
    adopt: async () => later(),
    releases: () => later(),
  };
}
