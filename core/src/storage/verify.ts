import { z } from 'zod';
import type { ProjectConfig } from '../config/schema.ts';
import type { OperationRun } from '../engine/operation.ts';
import { messageOf } from '../engine/thrown.ts';
import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import type { Call } from '../provider/host.ts';
import { backupRuleOf } from './backup-rule.ts';
import type { BackupRule, SnapshotDocument } from './documents.ts';
import { errorsOf, Storage } from './provider.ts';
import { readDump, originalOf, wholeSnapshot } from './restore.ts';
import { mountingService, removeScratch, runInScratch, scratchId } from './scratch.ts';
import { makeScratchVolume, removeScratchVolume } from './scratch-volume.ts';
import { nothingRuns, standInFor, type StandIn } from './stand-in.ts';
import { fitting } from './volume-ids.ts';

const VERIFY_SECONDS = 24 * 3600;

export const verifyInputSchema = z.object({ snapshot: z.string() });

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
  const storage = await Storage.toMake(session, document.provider);
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
    if (document.content === 'dump') await readDump(session, storage, run, document, made.volume, call);
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

/**
 * Where nothing runs on the volume any more, what did is made again for this.
 * @returns What the command said. Undefined: the config has none. @throws ProviderError `conflict`: nothing tells how its service runs.
 */
async function check(
  session: Session,
  run: OperationRun,
  storage: Storage,
  document: SnapshotDocument,
  volume: Parameters<typeof readDump>[4],
  call: Call,
): Promise<string | undefined> {
  const original = await originalOf(session, document);
  if (original && !original.backup?.verify) return undefined;
  const standIn = await standInFor(session, run, document);
  try {
    const rule = original?.backup?.verify ?? ruleOf(standIn?.config, document.name);
    if (!standIn && (rule || document.kind === 'backup')) throw nothingRuns(document, 'the check command');
    if (!standIn || !rule) return undefined;
    return await runCheck(session, run, storage, { document, volume, standIn, rule }, call);
  } finally {
    await standIn?.release();
  }
}

/** The volume went with its environment, and what was promised of it is in the config alone. */
function ruleOf(config: ProjectConfig | undefined, volume: string): BackupRule['verify'] {
  const backup = config?.volumes[volume]?.backup;
  return backup && backupRuleOf(backup).verify;
}

async function runCheck(
  session: Session,
  run: OperationRun,
  storage: Storage,
  {
    document,
    volume,
    standIn: { services, mounted },
    rule,
  }: {
    readonly document: SnapshotDocument;
    readonly volume: Parameters<typeof readDump>[4];
    readonly standIn: StandIn;
    readonly rule: NonNullable<BackupRule['verify']>;
  },
  call: Call,
): Promise<string> {
  const scratch = {
    id: scratchId(run.id),
    services,
    replaces: mounted,
    volume,
    service: mountingService(services, mounted, rule.service),
    command: rule.run,
    onOutput: (text: string) =>
      session.emit({ type: 'output', operation: run.id, source: `verify/${document.name}`, text }),
  };
  const { code, said } = await runInScratch(session, storage.bound, scratch, call);
  if (code === 0) return `its check command ended with 0${said === '' ? '' : `: ${said.slice(-200)}`}`;
  throw new ProviderError('unhealthy', `its check command ended with ${String(code)}: ${said}`);
}
