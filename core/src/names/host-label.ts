import type { EnvironmentId } from './environment-id.ts';
import { DEFAULT_STAGE } from './owner.ts';
import type { Owner } from './owner.ts';
import { shortHash } from './shorten.ts';

const LABEL_MAX_LENGTH = 63;
const SEPARATOR = '--';

/**
 * The first label of an environment's host name: `<8 hex>--<project>`, and `<8 hex>-<slot>-<settings>--<project>` for one that was made
 * for a slot. A stage other than `default` follows as a third part. Longer than 63 characters it is cut and ends in a hash.
 * @param commitDigits - 12 where another environment's label has the 8 digits already: ids are told apart by 12.
 */
export function environmentLabel(owner: Owner, id: EnvironmentId, commitDigits: 8 | 12 = 8): string {
  const commit = id.commit.slice(0, commitDigits);
  return label(id.slot === undefined ? commit : `${commit}-${id.slot.name}-${id.slot.settings}`, owner);
}

/** `<slot>--<project>`, otherwise as `environmentLabel`. */
export function slotLabel(owner: Owner, slot: string): string {
  return label(slot, owner);
}

/** `<slot>-<position>--<project>`: `master.1` answers as `master-1--shop`. */
export function standbyLabel(owner: Owner, slot: string, position: number): string {
  return label(`${slot}-${position}`, owner);
}

/** The slot whose standby would answer under another slot's own name: `pr-1` is the first standby of `pr`. */
export function slotClash(
  slots: Readonly<Record<string, { readonly standbys: number }>>,
): { readonly slot: string; readonly standbyOf: string } | undefined {
  for (const slot of Object.keys(slots)) {
    const [, other = '', position = ''] = /^(.+)-([1-9]\d*)$/.exec(slot) ?? [];
    if (Object.hasOwn(slots, other) && Number(position) <= (slots[other]?.standbys ?? 0))
      return { slot, standbyOf: other };
  }
  return undefined;
}

function label(left: string, owner: Owner): string {
  const stage = owner.stage === DEFAULT_STAGE ? [] : [owner.stage];
  const whole = [left, owner.project, ...stage].join(SEPARATOR);
  if (whole.length <= LABEL_MAX_LENGTH) return whole;
  // A project and a stage begin with a letter, the hash with a 0: no label that is cut can be another that is whole.
  const end = `${SEPARATOR}0${shortHash(whole)}`;
  return whole.slice(0, LABEL_MAX_LENGTH - end.length).replace(/-+$/, '') + end;
}
