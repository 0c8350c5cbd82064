import { z } from 'zod';
import { startOperation, resumeOperation, type OperationRun } from '../engine/operation.ts';
import { driverOf } from '../host/drivers.ts';
import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import { ENVIRONMENTS } from '../provider/tokens.ts';
import type { EnvironmentDocument } from '../state/documents.ts';
import type { Stored } from '../state/document-store.ts';
import { Claim } from './claim.ts';
import { isPinned } from './collectible.ts';
import { destroyVolumes, forgetSource, removeImages } from './leave-nothing.ts';
import { resourceIdOf } from './life.ts';
import { destroyUntilGone } from './settle.ts';
import { finishUnfinished } from './unfinished.ts';

const STEP_SECONDS = 3600;

/**
 * Destroys one life of an environment, and what was made for it. To destroy what is gone succeeds.
 * @param isMeant - Asked of what is found before it is destroyed. Where it says no, all stays as it is.
 * @throws ProviderError `not-found`; `refused`: a slot uses it; `conflict`: another process makes it just now.
 */
export async function destroyEnvironment(
  session: Session,
  id: string,
  isMeant: (document: EnvironmentDocument) => boolean = () => true,
): Promise<{ readonly document: EnvironmentDocument; readonly operation: string }> {
  for (let operation = ''; ;) {
    const found = await session.briefly(`read environment ${id}`, (call) =>
      session.documents.environments.get(id, call),
    );
    if (!found)
      throw new ProviderError('not-found', `there is no environment ${id}`, { hint: 'clusternator env list' });
    const { document } = found;
    if (document.phase === 'gone' || !isMeant(document)) return { document, operation };
    if (isPinned(document)) throw pinned(document);
    if (document.phase === 'destroying' && document.owner) {
      await finishUnfinished(session, document, 'destroy');
      continue;
    }
    operation = (await claimAndDestroy(session, found)) ?? operation;
  }
}

/** @returns The operation. Undefined: the document moved, so look again. */
async function claimAndDestroy(session: Session, found: Stored<EnvironmentDocument>): Promise<string | undefined> {
  const { document } = found;
  const taken = document.owner && (await takeOverCreate(session, document.owner.operation));
  if (taken === 'just ended') return undefined;
  const unfinished = taken === 'ended' ? undefined : taken;
  const run = await startOperation(session.operations, { kind: 'destroy', subject: document.id, input: {} });
  let claim: Claim;
  try {
    claim = await session.briefly(`claim environment ${document.id}`, (call) =>
      Claim.take(session, found, { ...document, phase: 'destroying' }, run, call),
    );
  } catch (error) {
    await unfinished?.interrupt();
    await run.abort();
    if (ProviderError.is(error) && error.code === 'conflict') return undefined;
    throw error;
  }
  await unfinished?.abort();
  await destroyClaimed(session, run, claim);
  return run.id;
}

/** The create that is to be given up. @throws ProviderError `conflict`: its process lives. */
async function takeOverCreate(session: Session, operation: string): Promise<OperationRun | 'ended' | 'just ended'> {
  const hasEnded = async (): Promise<boolean> => {
    const stored = await session.briefly(`read operation ${operation}`, (call) =>
      session.documents.operations.get(operation, call),
    );
    return stored?.document.endedAt !== undefined || !stored;
  };
  if (await hasEnded()) return 'ended';
  try {
    return await resumeOperation(session.operations, operation);
  } catch (error) {
    if (await hasEnded()) return 'just ended';
    throw error;
  }
}

/** Goes on with a destroy that was interrupted. */
export async function resumeDestroy(session: Session, run: OperationRun): Promise<void> {
  const id = run.document.subject;
  const claim = await session.briefly(`read environment ${id}`, (call) => Claim.resume(session, id, run.id, call));
  if (claim) {
    await destroyClaimed(session, run, claim);
    return;
  }
  // It died between its own document and the claim, or between the last write and its end.
  const stored = await session.briefly(`read environment ${id}`, (call) =>
    session.documents.environments.get(id, call),
  );
  if (!stored || stored.document.phase === 'gone') await run.finish();
  else await run.abort();
}

async function destroyClaimed(session: Session, run: OperationRun, claim: Claim): Promise<void> {
  const { document } = claim;
  const resourceId = resourceIdOf(document);
  const step = (id: string, title: string, work: () => Promise<void>): Promise<undefined> =>
    run.step({
      id,
      title,
      result: z.undefined(),
      deadlineSeconds: STEP_SECONDS,
      run: async () => {
        await work();
        return undefined;
      },
    });
  await run.conclude(async () => {
    if (document.spec) {
      const bound = await session.bind(document.provider);
      const driver = await driverOf(bound, ENVIRONMENTS, 'environments');
      const ref = { id: resourceId, ...(document.environment && { handle: document.environment.handle }) };
      await run.step({
        id: 'environment',
        title: `stop and remove ${document.id}`,
        result: z.undefined(),
        deadlineSeconds: STEP_SECONDS,
        errorOf: (cause) => bound.provider.errorOf(cause),
        run: async (call) => {
          await destroyUntilGone(session, 'environment', driver, ref, call);
          return undefined;
        },
      });
    }
    if (document.volumes) await step('volumes', 'remove its volumes', () => destroyVolumes(session, document));
    if (document.images) await step('images', 'remove its images', () => removeImages(session, document));
    await step('files', 'remove its files', () => forgetSource(session, document));
    await session.briefly(`write environment ${document.id}`, (call) => claim.release(tombstone, call));
  });
}

/** What stays of an environment: that it was, and how often, so that its next life gets other names. */
function tombstone(document: EnvironmentDocument): EnvironmentDocument {
  const {
    spec: _spec,
    environment: _environment,
    images: _images,
    volumes: _volumes,
    mirror: _mirror,
    expiresAt: _expires,
    overrides: _overrides,
    config: _config,
    ...kept
  } = document;
  return { ...kept, phase: 'gone', hosts: [], fingerprint: '' };
}

function pinned({ id, pins }: EnvironmentDocument): ProviderError {
  const slots = Object.keys(pins);
  const [slot = ''] = slots;
  return new ProviderError('refused', `environment ${id} is in use by the slot ${slots.join(', ')}`, {
    hint: `clusternator slot show ${slot} tells how. Promote another environment to ${slot}; once its standbys have let go of this one, destroy it`,
  });
}
