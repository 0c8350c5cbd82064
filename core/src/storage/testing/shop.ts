import { resumeOperation } from '../../engine/operation.ts';
import { isFree } from '../hold-document.ts';
import { promote } from '../../slot/promote.ts';
import { World } from '../../slot/testing/world.ts';
import type { Session } from '../../host/session.ts';
import { testCall } from '../../state/testing/call.ts';
import type { SnapshotDocument, VolumeDocument } from '../documents.ts';

export const [A = '', B = '', C = ''] = Array.from('abc', (letter) => letter.repeat(12));
/** Of the environment of commit a. */
export const OWN_VOLUME = `${A}-1-data`;
export const SLOT_VOLUME = 'slot-master-data';
const DB = { db: { command: 'node db.js', volumes: { data: 'data' } } };
const SLOTS = { master: { standbys: 2, drain: { requests: '0s', ws: '0s' } } };

/** A shop with a database: three commits, each with an environment of its own. */
export async function shopOf(volume: object = {}, db: object = {}): Promise<World> {
  const world = new World();
  const services = { db: { ...DB.db, ...db } };
  for (const letter of 'abc') await world.environment(letter, SLOTS, services, { data: volume });
  return world;
}

/** As `shopOf`, with a volume of the slot master, which serves commit a. */
export async function servingShop(volume: object = {}): Promise<World> {
  const world = await shopOf({ scope: 'slot', ...volume });
  await world.run(promote(world.process(), { slot: 'master', environment: A }));
  world.storage.write(SLOT_VOLUME, 'orders');
  return world;
}

export async function volumesOf(world: World): Promise<readonly VolumeDocument[]> {
  const found: VolumeDocument[] = [];
  for await (const { document } of world.documents.volumes.list(testCall())) found.push(document);
  return found;
}

export async function volumeOf(world: World, id: string): Promise<VolumeDocument | undefined> {
  return (await world.documents.volumes.get(id, testCall()))?.document;
}

export async function snapshotsOf(world: World): Promise<readonly SnapshotDocument[]> {
  const found: SnapshotDocument[] = [];
  for await (const { document } of world.documents.snapshots.list(testCall())) found.push(document);
  return found;
}

/** What a person or a later command does after a crash. */
export async function resumeAll(world: World, session: Session): Promise<void> {
  const left: string[] = [];
  for await (const { document } of world.documents.operations.list(testCall()))
    if (isFree(session, document)) left.push(document.id);
  for (const id of left) await session.carryOn(await resumeOperation(session.operations, id)).catch(() => undefined);
}
