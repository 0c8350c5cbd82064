import { ProviderError } from '../provider/error.ts';
import { slotNameProblem } from './name.ts';

/** `1a2b3c4d5e6f`, or `1a2b3c4d5e6f@master.ab12` for one that was made for a slot with settings of its own. */
export interface EnvironmentId {
  /** 12 hex. */
  readonly commit: string;
  /** `settings`: the first 4 to 12 hex of the settings' fingerprint. */
  readonly slot?: { readonly name: string; readonly settings: string };
}
/** One life of an environment. Its id is taken up again when it is made after it was destroyed. */
export interface EnvironmentLife {
  readonly id: EnvironmentId;
  /** From 1 to 999999. */
  readonly incarnation: number;
}

const ID = /^([0-9a-f]{12})(?:@([a-z0-9-]+)\.([0-9a-f]{4,12}))?$/;
const RESOURCE = /^([0-9a-f]{12})(?:-([a-z0-9-]+)-([0-9a-f]{4,12}))?-([1-9]\d{0,5})$/;

/** @param commit - At least 12 hex. @throws ProviderError `invalid`. */
export function environmentIdOf(
  commit: string,
  slot?: { readonly name: string; readonly settings: string },
): EnvironmentId {
  const short = commit.toLowerCase().slice(0, 12);
  const id = idFrom(short, slot?.name, slot?.settings.slice(0, 12));
  if (id === undefined || !/^[0-9a-f]{12}$/.test(short)) {
    throw new ProviderError('invalid', `${formatParts(short, slot)} is not the id of an environment`);
  }
  return id;
}

/** The text of an id, as a person types it. */
export function formatEnvironmentId(id: EnvironmentId): string {
  return formatParts(id.commit, id.slot);
}

/** Undefined: it is no whole id of an environment. */
export function parseEnvironmentId(text: string): EnvironmentId | undefined {
  const match = ID.exec(text);
  return match === null ? undefined : idFrom(match[1], match[2], match[3]);
}

/** The id that drivers get, of [a-z0-9-] and at most 63 long: `1a2b3c4d5e6f-1`, `1a2b3c4d5e6f-master-ab12-1`. @throws ProviderError `internal`. */
export function environmentResourceId(life: EnvironmentLife): string {
  const { id, incarnation } = life;
  const text = [id.commit, ...(id.slot ? [id.slot.name, id.slot.settings] : []), incarnation].join('-');
  if (parseEnvironmentResourceId(text) === undefined) {
    throw new ProviderError('internal', `environment ${formatEnvironmentId(id)} has no life ${incarnation}`);
  }
  return text;
}

/** Undefined: no environment's. */
export function parseEnvironmentResourceId(text: string): EnvironmentLife | undefined {
  const match = RESOURCE.exec(text);
  const id = match === null ? undefined : idFrom(match[1], match[2], match[3]);
  return id && { id, incarnation: Number(match?.[4]) };
}

function idFrom(
  commit: string | undefined,
  slot: string | undefined,
  settings: string | undefined,
): EnvironmentId | undefined {
  if (commit === undefined) return undefined;
  if (slot === undefined) return { commit };
  if (settings === undefined || !/^[0-9a-f]{4,12}$/.test(settings) || slotNameProblem(slot) !== undefined)
    return undefined;
  return { commit, slot: { name: slot, settings } };
}

function formatParts(commit: string, slot: EnvironmentId['slot']): string {
  return slot === undefined ? commit : `${commit}@${slot.name}.${slot.settings}`;
}
