import type { RebuiltItem } from '../../host/project.ts';
import type { Session } from '../../host/session.ts';
import { plainly, type Deal } from '../../slot/testing/deal.ts';
import type { World } from '../../slot/testing/world.ts';
import { testCall } from '../../state/testing/call.ts';
import { rebuildState } from '../rebuild.ts';

/** A rebuild by a process of its own. */
export function rebuild(world: World, deal: Deal = plainly, dryRun = false): Promise<readonly RebuiltItem[]> {
  return rebuildBy(world, world.process(deal), dryRun);
}

export function rebuildBy(world: World, session: Session, dryRun = false): Promise<readonly RebuiltItem[]> {
  return world.run(rebuildState(session, { dryRun, openCommits: () => Promise.resolve(world.commits()) }));
}

/** What was written, as `slot master`. */
export function writtenOf(items: readonly RebuiltItem[]): readonly string[] {
  return items.filter(({ state }) => state === 'written').map(({ type, id }) => `${type} ${id}`);
}

export async function keysOf(world: World): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const { key } of world.store.list('', testCall())) keys.push(key);
  return keys.sort();
}
