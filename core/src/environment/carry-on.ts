import type { OperationRun } from '../engine/operation.ts';
import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import { DESTROY_SLOT } from '../slot/ending.ts';
import { resumeCreate } from './create.ts';
import { resumeDestroy } from './destroy.ts';

const RESUME: Readonly<Record<string, (session: Session, run: OperationRun) => Promise<void>>> = {
  create: resumeCreate,
  destroy: resumeDestroy,
  promote: resumeOnSlot,
  rollback: resumeOnSlot,
  [DESTROY_SLOT]: resumeOnSlot,
  foundation: resumeOnFoundation,
  'destroy-foundation': resumeOnFoundation,
};

async function resumeOnFoundation(session: Session, run: OperationRun): Promise<void> {
  const { resumeFoundation } = await import('../foundation/operations.ts');
  await resumeFoundation(session, run);
}

async function resumeOnSlot(session: Session, run: OperationRun): Promise<void> {
  const { resumeSlot } = await import('../slot/takeover.ts');
  await resumeSlot(session, run, 'forward');
}

/** Goes on with an operation that this process has just taken over. @throws ProviderError `unsupported`: it is of a kind that is not known. */
export async function carryOn(session: Session, run: OperationRun): Promise<void> {
  const { isStorageKind, resumeStorage } = await import('../storage/operations.ts');
  const resume = isStorageKind(run.document.kind) ? resumeStorage : RESUME[run.document.kind];
  if (!resume) {
    await run.interrupt();
    throw new ProviderError('unsupported', `operations of the kind "${run.document.kind}" can't be resumed here`, {
      hint: 'a newer clusternator wrote it: resume it with that one',
    });
  }
  await resume(session, run);
}
