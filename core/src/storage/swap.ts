import { z } from 'zod';
import type { OperationRun } from '../engine/operation.ts';
import { isPinned } from '../environment/collectible.ts';
import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import type { EnvironmentDocument } from '../state/documents.ts';
import type { VolumeDocument } from './documents.ts';
import { DocumentHold } from './hold-document.ts';
import { remount } from './remount.ts';
import { readyVolume } from './take.ts';
import { usersOf } from './users.ts';

export const swapInputSchema = z.object({
  /** The volume that is to be used. */
  to: z.string(),
  /** The one that was in use when it was asked for: what a resumed swap goes on to put aside. */
  from: z.string(),
});

/** What became of it. */
export interface Swap {
  readonly place: string;
  readonly from: string;
  readonly to: string;
  /** Environments that go on with the former volume until they are made anew. */
  readonly behind: readonly string[];
}

/**
 * Puts a volume in the place of the one in use, which is kept as it is. The one write of the place's document is what decides. An environment of
 * its own is stopped and started again on the new volume; a slot's next environment is made on it.
 * @throws ProviderError `refused`: a slot serves the environment that would have to be stopped; `conflict`.
 */
export async function swapVolume(
  session: Session,
  run: OperationRun,
  { to, from }: z.output<typeof swapInputSchema>,
): Promise<Swap> {
  const target = await readyVolume(session, to);
  const place = target.place ?? target.id;
  const users = await usersOf(session, from);
  if (target.scope === 'env') refuseServing(users);
  const hold = new DocumentHold(session, session.documents.volumes, run, place);
  const taken = await hold.take((found) => found, 'tell');
  if (!taken)
    throw new ProviderError('not-found', `there is no volume ${place}`, { hint: 'clusternator storage list' });
  try {
    if ((taken.current ?? place) !== to) {
      const former = await keep(session, from, to);
      await adopt(session, to, former);
      await hold.write(({ current: _, ...now }) => ({
        ...now,
        generation: now.generation + 1,
        ...(to !== place && { current: to }),
      }));
    }
    if (target.scope === 'env') for (const user of users) await remount(session, run, user, from, target.volume);
  } finally {
    if (!run.signal.aborted) await hold.release((now) => now);
  }
  const behind = target.scope === 'env' ? [] : users.map(({ id }) => id);
  return { place, from, to, behind };
}

/** Before the swap: from now on nothing automatic destroys it. @returns What it was promised, for the one that comes. */
async function keep(session: Session, id: string, to: string): Promise<VolumeDocument | undefined> {
  const found = await session.briefly(`read volume ${id}`, (call) => session.documents.volumes.get(id, call));
  if (!found || found.document.phase === 'gone') return undefined;
  const at = session.clock.now().toISOString();
  await session.briefly(`keep volume ${id}`, (call) =>
    session.documents.volumes.update(
      id,
      ({ backup: _, ...now }) => ({ ...now, retained: { at, why: `${to} took its place` } }),
      call,
    ),
  );
  return found.document;
}

/** What was promised of the data goes on with the volume that has it now. */
async function adopt(session: Session, id: string, former: VolumeDocument | undefined): Promise<void> {
  await session.briefly(`write volume ${id}`, (call) =>
    session.documents.volumes.update(
      id,
      ({ retained: _, ...now }) => ({
        ...now,
        ...(former && { onDestroy: former.onDestroy }),
        ...(former?.backup && { backup: former.backup }),
        ...(former?.lastBackup && { lastBackup: former.lastBackup }),
        // What is to mount a disk of a slot is made after the swap; until then the former one has its holder.
        ...(former?.holder !== undefined && now.scope === 'env' && { holder: former.holder }),
      }),
      call,
    ),
  );
}

function refuseServing(users: readonly EnvironmentDocument[]): void {
  const serving = users.find((user) => isPinned(user));
  if (!serving) return;
  throw new ProviderError(
    'refused',
    `environment ${serving.id} would have to be stopped, and the slot ${Object.keys(serving.pins).join(', ')} uses it`,
    { effect: 'none', hint: 'give the volume the scope slot, so that data and environment are apart' },
  );
}
