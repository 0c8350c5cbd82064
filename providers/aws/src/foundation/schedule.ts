import { allSettled } from '../all-settled.ts';
import { isNamed } from '../storage/aws-error.ts';
import { isReady, type Found, type Part } from './part.ts';
import type { Site } from './site.ts';

/** AWS does not show at once, to everybody, what it made. */
const NOT_SEEN = /NotFound|^NoSuch/;
/** Of what AWS lets go of in its own time: network interfaces of a load balancer, a certificate of a listener. */
const IN_USE = [
  'DependencyViolation',
  'DeleteConflict',
  'InvalidGroup.InUse',
  'InvalidIPAddress.InUse',
  'ResourceInUse',
  'CannotDeleteEntityWhileInUse',
  'ClusterUpdateInProgress',
  'FunctionInUse',
  'OriginAccessControlInUse',
];

/** Looks at all there is, side by side, before anything is written. */
export async function findAll(parts: readonly Part[], at: Site): Promise<readonly (Found | undefined)[]> {
  return allSettled(parts.map(({ name }) => at.find(name)));
}

/** Makes what is missing and mends what differs, each as soon as what it comes after is ready. What has to wait for AWS is left for the next time. */
export async function makeAll(parts: readonly Part[], at: Site): Promise<void> {
  const going = new Map<string, Promise<Found | undefined>>();
  const byName = new Map(parts.map((part) => [part.name, part]));
  const settle = async (part: Part): Promise<Found | undefined> => {
    const before = part.after.flatMap((name) => byName.get(name) ?? []);
    const needs = await Promise.all(before.map(async (one) => isEnough(part, one, await settled(one))));
    const found = await at.find(part.name);
    const isGivenUp = part.remade === true && found?.phase === 'failed' && !at.begun(part.name);
    const canBeMade = !found || isGivenUp || (found.phase === 'active' && found.differs === true);
    if (!canBeMade || !needs.every(Boolean)) return found;
    if (isGivenUp && !(await removed(part, at, found))) return found;
    at.call.progress({ message: `${found ? 'mending' : 'making'} ${part.name}` });
    const made = await madeOrNotSeen(part, at, isGivenUp ? undefined : found);
    at.keep(part.name, made);
    return made;
  };
  const settled = (part: Part): Promise<Found | undefined> => {
    const known = going.get(part.name) ?? settle(part);
    going.set(part.name, known);
    return known;
  };
  await allSettled(parts.map(settled));
}

/** Removes parts, each once what comes after it is gone. What AWS does not let go of yet is left for the next time. */
export async function removeAll(parts: readonly Part[], at: Site): Promise<void> {
  const going = new Map<string, Promise<boolean>>();
  const byName = new Map(parts.map((part) => [part.name, part]));
  const go = async (part: Part): Promise<boolean> => {
    const others = parts.filter(
      ({ after, endsBefore = [], within }) => [...after, ...endsBefore].includes(part.name) && within !== part.name,
    );
    const isFree = (await Promise.all(others.map(gone))).every(Boolean);
    const found = await at.find(part.name);
    if (!found || !isFree) return isFree;
    const owner = part.within === undefined ? undefined : byName.get(part.within);
    const isGone = part.remove ? await removed(part, at, found) : owner ? await gone(owner) : true;
    if (isGone) at.keep(part.name, undefined);
    return isGone;
  };
  const gone = (part: Part): Promise<boolean> => {
    const known = going.get(part.name) ?? go(part);
    going.set(part.name, known);
    return known;
  };
  await allSettled(parts.map(gone));
}

function isEnough({ onceBegun = [] }: Part, before: Part, found: Found | undefined): boolean {
  return isReady(found) || (onceBegun.includes(before.name) && found?.phase === 'creating' && found.id !== '');
}

async function madeOrNotSeen(part: Part, at: Site, found: Found | undefined): Promise<Found> {
  try {
    return await part.make(at, found);
  } catch (error) {
    if (!NOT_SEEN.test(nameOf(error))) throw error;
    return {
      id: '',
      phase: 'creating',
      message: `${part.name} waits for what AWS does not show yet: ${textOf(error)}`,
    };
  }
}

/** @returns Whether it is gone. */
async function removed(part: Part, at: Site, found: Found): Promise<boolean> {
  if (found.phase === 'destroying') return false;
  at.call.progress({ message: `removing ${part.name}` });
  try {
    await part.remove?.(at, found);
    if (part.lingers) at.keep(part.name, { ...found, phase: 'destroying' });
    return part.lingers !== true;
  } catch (error) {
    if (NOT_SEEN.test(nameOf(error))) return true;
    if (!isNamed(error, IN_USE)) throw error;
    at.call.progress({ message: `${part.name} is still in use: ${textOf(error)}` });
    return false;
  }
}

function nameOf(error: unknown): string {
  return error instanceof Object && 'name' in error ? String(error.name) : '';
}

function textOf(error: unknown): string {
  return error instanceof Object && 'message' in error ? String(error.message) : '';
}
