import { driverOf } from '../host/drivers.ts';
import type { Session } from '../host/session.ts';
import { STORAGE } from '../provider/tokens.ts';
import type { EnvironmentDocument } from '../state/documents.ts';
import { imageTag } from './build.ts';
import { discardBuilds } from './cloud-build.ts';
import { removePushed } from './image-registry.ts';
import { artefactOwner, resourceIdOf } from './life.ts';
import { destroyUntilGone } from './settle.ts';

const CLEAN_UP_SECONDS = 600;

/** Takes back what was made for an environment before its provider heard of it. */
export async function undoPreparation(session: Session, document: EnvironmentDocument): Promise<void> {
  await destroyVolumes(session, document);
  await removeImages(session, document);
  await forgetSource(session, document);
}

/** Destroys the volumes that go with an environment. One that is kept stays, as does one whose config says so. */
export async function destroyVolumes(session: Session, { volumes = [], provider }: EnvironmentDocument): Promise<void> {
  if (volumes.length === 0) return;
  const storage = await driverOf(await session.bind(provider), STORAGE, 'storage');
  for (const id of volumes) {
    if (await isKept(session, id)) continue;
    await session.briefly(
      `destroy volume ${id}`,
      (call) => destroyUntilGone(session, 'volume', storage.volumes, { id }, call),
      CLEAN_UP_SECONDS,
    );
    await session.briefly(`forget volume ${id}`, async (call) => {
      const found = await session.documents.volumes.get(id, call);
      if (found) await session.documents.volumes.delete(found, call);
    });
  }
}

/** Kept, or from now on: `onDestroy: retain`. Else its end is written down. */
async function isKept(session: Session, id: string): Promise<boolean> {
  return session.briefly(`read volume ${id}`, async (call) => {
    const found = await session.documents.volumes.get(id, call);
    if (found?.document.phase !== 'ready') return false;
    if (found.document.retained) return true;
    if (found.document.onDestroy !== 'retain') {
      // From here on it is not whole.
      await session.documents.volumes.update(id, (now) => ({ ...now, phase: 'destroying' }), call);
      return false;
    }
    const retained = { at: session.clock.now().toISOString(), why: 'its environment was destroyed' };
    await session.documents.volumes.update(id, (now) => ({ ...now, retained }), call);
    return true;
  });
}

/** Ends builds, and removes the tags under which an environment kept its images, on the engine and where they were pushed; an image goes with its last tag. */
export async function removeImages(session: Session, document: EnvironmentDocument): Promise<void> {
  const { images = [] } = document;
  await discardBuilds(session, resourceIdOf(document), document);
  await removePushed(session, document);
  if (images.length === 0) return;
  const docker = await session.docker();
  for (const name of images) {
    await session.briefly(
      `remove the image of ${name}`,
      (call) => docker.untag(imageTag(session, name, resourceIdOf(document)), call.signal),
      CLEAN_UP_SECONDS,
    );
  }
}

/** Lets go of an environment's files and, where no other needs it, of its commit. */
export async function forgetSource(session: Session, document: EnvironmentDocument): Promise<void> {
  await session.artefacts.release(artefactOwner(session, resourceIdOf(document)));
  if (document.mirror !== undefined) await forgetCommit(session, { ...document, mirror: document.mirror });
}

/** Lets the mirror forget a commit that no other environment is made from. */
export async function forgetCommit(
  session: Session,
  document: { readonly id: string; readonly commit: string; readonly mirror: string },
): Promise<void> {
  const others = await session.briefly('look for environments of the same commit', async (call) => {
    for await (const { id, document: other } of session.documents.environments.list(call, {
      prefix: document.commit.slice(0, 12),
    })) {
      if (id !== document.id && other.commit === document.commit && other.phase !== 'gone') return true;
    }
    return false;
  });
  if (others) return;
  const mirror = await session.mirror(document.mirror);
  await mirror.forget(document.commit);
  await mirror.compact();
}
