import { z } from 'zod';
import type { OperationRun } from '../engine/operation.ts';
import { messageOf } from '../engine/thrown.ts';
import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import type { Call } from '../provider/host.ts';
import type { SnapshotDocument } from './documents.ts';
import { errorsOf, Storage } from './provider.ts';
import { readDump, originalOf, wholeSnapshot } from './restore.ts';
import { mountingService, removeScratch, runInScratch, scratchId } from './scratch.ts';
import { makeScratchVolume, removeScratchVolume } from './scratch-volume.ts';
import { hostOfData } from './users.ts';
import { fitting } from './volume-ids.ts';

const VERIFY_SECONDS = 24 * 3600;

export const verifyInputSchema = z.object({ snapshot: z.string() });

/** What a verification found. */
/** What a check of a snapshot found. */
export interface Verification {
  readonly snapshot: string;
  readonly isGood: boolean;
  readonly message: string;
}
const verificationSchema = z.object({ isGood: z.boolean(), message: z.string() });

/**
 * Proves that a snapshot is good: its bytes are what was written, a volume is made from it, and the check command of the config says yes to a
 * copy of the service on that volume. What it finds is written into the snapshot's document: a bad one is restored by nobody.
 * @throws ProviderError only where it could not be found out.
 */
export async function verifySnapshot(
  session: Session,
  run: OperationRun,
  { snapshot: id }: z.output<typeof verifyInputSchema>,
): Promise<Verification> {
  const found = await session.briefly(`read snapshot ${id}`, (call) => session.documents.snapshots.get(id, call));
  if (found?.document.phase !== 'ready')
    throw new ProviderError('not-found', `there is no snapshot ${id} that is ready`, {
      hint: 'clusternator backup list',
    });
  const { document } = found;
  const storage = await Storage.of(session, document.provider);
  const verdict = await run.step({
    id: 'verify',
    title: `verify snapshot ${id}`,
    result: verificationSchema,
    deadlineSeconds: VERIFY_SECONDS,
    ...errorsOf(storage),
    run: (call) => prove(session, run, storage, document, call),
  });
  const at = session.clock.now().toISOString();
  await session.briefly(`write snapshot ${id}`, (call) =>
    session.documents.snapshots.update(id, (now) => ({ ...now, verified: { at, ...verdict } }), call),
  );
  return { snapshot: id, ...verdict };
}

async function prove(
  session: Session,
  run: OperationRun,
  storage: Storage,
  document: SnapshotDocument,
  call: Call,
): Promise<z.output<typeof verificationSchema>> {
  const snapshot = wholeSnapshot(document);
  const scratch = fitting(`verify-${run.id}`);
  try {
    const read = await storage.snapshots.check?.(snapshot, call);
    await removeScratch(session, storage.bound, scratchId(run.id)); // of a process that was killed in the middle
    await removeScratchVolume(session, storage, scratch);
    const original = await originalOf(session, document);
    const made = await makeScratchVolume(
      session,
      run,
      storage,
      {
        id: scratch,
        like: { ...document, spec: original?.spec ?? { ...document.spec, ...document.spec.volume } },
        ...(document.content === 'volume' && { from: { snapshot } }),
      },
      call,
    );
    if (document.content === 'dump') await readDump(session, storage, run.id, document, made.volume, call);
    const said = await check(session, run, storage, document, made.volume, call);
    const bytes =
      read === undefined ? 'restored' : `${String(read.bytes)} bytes are what was written, and were restored`;
    return { isGood: true, message: said ?? `${bytes}; no check command ran` };
  } catch (error) {
    const isVerdict = ProviderError.is(error) && (error.code === 'damaged' || error.code === 'unhealthy');
    if (call.signal.aborted || !isVerdict) throw error;
    return { isGood: false, message: messageOf(error) };
  } finally {
    if (!run.signal.aborted) await removeScratchVolume(session, storage, scratch);
  }
}

/** @returns What the command said. Undefined: there is none, or nothing tells how its service runs. */
async function check(
  session: Session,
  run: OperationRun,
  storage: Storage,
  document: SnapshotDocument,
  volume: Parameters<typeof readDump>[4],
  call: Call,
): Promise<string | undefined> {
  const rule = (await originalOf(session, document))?.backup?.verify;
  const found = rule && (await hostOfData(session, { id: document.volume, slot: document.slot }));
  if (!rule || !found) return undefined;
  const { host, mounted } = found;
  if (host.document.config) await session.useSecrets(host.document.config, session.options.directory);
  const { code, said } = await runInScratch(
    session,
    storage.bound,
    {
      id: scratchId(run.id),
      services: host.spec.services,
      replaces: mounted,
      volume,
      service: mountingService(host.spec.services, mounted, rule.service),
      command: rule.run,
      onOutput: (text) => session.emit({ type: 'output', operation: run.id, source: `verify/${document.name}`, text }),
    },
    call,
  );
  if (code === 0) return `its check command ended with 0${said === '' ? '' : `: ${said.slice(-200)}`}`;
  throw new ProviderError('unhealthy', `its check command ended with ${String(code)}: ${said}`);
}
