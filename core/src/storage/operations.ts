import type { z } from 'zod';
import { startOperation, type OperationRun } from '../engine/operation.ts';
import type { Session } from '../host/session.ts';
import { cloneInputSchema, cloneVolume } from './clone.ts';
import {
  destroySnapshot,
  destroySnapshotInputSchema,
  destroyVolume,
  destroyVolumeInputSchema,
  expire,
  expireInputSchema,
} from './destroy.ts';
import { restoreInputSchema, restoreVolume } from './restore.ts';
import { swapInputSchema, swapVolume } from './swap.ts';
import { takeInputSchema, takeSnapshot } from './take.ts';
import { verifyInputSchema, verifySnapshot } from './verify.ts';

/** What each kind of operation on storage does. Re-entrant: a process that takes one over calls it again. */
const WORK = {
  snapshot: work(takeInputSchema, takeSnapshot),
  restore: work(restoreInputSchema, restoreVolume),
  clone: work(cloneInputSchema, cloneVolume),
  swap: work(swapInputSchema, swapVolume),
  verify: work(verifyInputSchema, verifySnapshot),
  expire: work(expireInputSchema, expire),
  'destroy-volume': work(destroyVolumeInputSchema, destroyVolume),
  'destroy-snapshot': work(destroySnapshotInputSchema, destroySnapshot),
} as const;

export type StorageKind = keyof typeof WORK;
type Input<K extends StorageKind> = Parameters<(typeof WORK)[K]['act']>[2];
type Result<K extends StorageKind> = Awaited<ReturnType<(typeof WORK)[K]['act']>>;

export function isStorageKind(kind: string): kind is StorageKind {
  return Object.hasOwn(WORK, kind);
}

/** Starts an operation and runs it to its end. */
export async function runStorage<K extends StorageKind>(
  session: Session,
  kind: K,
  subject: string,
  input: Input<K>,
): Promise<{ readonly operation: string; readonly result: Result<K> }> {
  const run = await startOperation(session.operations, { kind, subject, input });
  // The entry of this kind takes this kind's input: TypeScript can't follow a key into a union of functions.
  const act = WORK[kind].act as (session: Session, run: OperationRun, input: Input<K>) => Promise<Result<K>>;
  return { operation: run.id, result: await run.conclude(() => act(session, run, input)) };
}

/** Goes on with one that this process has just taken over. */
export async function resumeStorage(session: Session, run: OperationRun): Promise<void> {
  const { kind, input } = run.document;
  if (!isStorageKind(kind)) throw new Error(`${kind} is no operation on storage`);
  const resume: (session: Session, run: OperationRun, input: unknown) => Promise<unknown> = WORK[kind].resume;
  await run.conclude(() => resume(session, run, input));
}

function work<S extends z.ZodType, R>(
  schema: S,
  act: (session: Session, run: OperationRun, input: z.output<S>) => Promise<R>,
) {
  return {
    act,
    resume: (session: Session, run: OperationRun, input: unknown): Promise<R> => act(session, run, schema.parse(input)),
  };
}
