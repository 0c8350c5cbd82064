import { z } from 'zod';
import type { OperationRun } from '../engine/operation.ts';
import { mustRun } from '../environment/run-in.ts';
import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import type { Call } from '../provider/host.ts';
import { dumpOf } from './dump.ts';
import type { QuiescePlan } from './plan-quiesce.ts';
import { checkpoint, PostgresBackup } from './postgres.ts';
import type { Storage } from './provider.ts';
import type { Snapshot, SnapshotDriver, SnapshotSpec } from './storage.ts';
import { hostOf } from './users.ts';

/** One snapshot that is being taken. */
export interface Taking {
  readonly session: Session;
  readonly run: OperationRun;
  readonly storage: Storage;
  readonly snapshots: SnapshotDriver;
  readonly spec: SnapshotSpec;
  readonly quiesce: QuiescePlan;
  readonly id: string;
}

const RELEASE_SECONDS = 60;

/** Takes it as the plan says. @throws ProviderError what went wrong; writers have been let go by then. */
export async function takeQuiesced(taking: Taking, call: Call): Promise<Snapshot> {
  const { session, run, quiesce, storage, snapshots, spec, id } = taking;
  await releaseWriters(session, run, id);
  if (quiesce.dump) return dumpOf({ ...taking, dump: quiesce.dump }, call);
  if (quiesce.postgres)
    return snapshots.complete
      ? onlineBackup(taking, quiesce.postgres, call)
      : checkpointed(taking, quiesce.postgres, call);
  if (quiesce.commands) return betweenCommands(taking, quiesce.commands, call);
  return storage.takeSnapshot(spec, call);
}

async function checkpointed(
  { storage, spec }: Taking,
  place: NonNullable<QuiescePlan['postgres']>,
  call: Call,
): Promise<Snapshot> {
  await checkpoint(place, call);
  return storage.takeSnapshot(spec, call);
}

/** Nobody waits: the server copes with a copy of many moments, given its log up to the end of the backup. */
async function onlineBackup(
  { session, storage, snapshots, spec }: Taking,
  place: NonNullable<QuiescePlan['postgres']>,
  call: Call,
): Promise<Snapshot> {
  // What a killed process copied belongs to a backup that the server has forgotten.
  const left = await snapshots.read({ id: spec.id }, call);
  if (left && left.phase !== 'active') await storage.destroySnapshot(spec.id, call);
  const backup = await PostgresBackup.begin(place, call);
  try {
    const held = await storage.takeSnapshot({ ...spec, hold: true }, call);
    if (held.isCopied !== true) return held;
    const end = await backup.end(call);
    const whole = await snapshots.complete?.(held, end, call);
    if (whole?.phase === 'active') return whole;
    return await storage.takeSnapshot(spec, call);
  } finally {
    await session.briefly('end the session of the backup', () => backup.release(), RELEASE_SECONDS);
  }
}

/** Writers wait from `before` on: for so long and no longer, and `after` comes whatever happens. */
async function betweenCommands(
  { session, run, storage, spec, id }: Taking,
  commands: NonNullable<QuiescePlan['commands']>,
  call: Call,
): Promise<Snapshot> {
  const { host, service, before, after, withinSeconds } = commands;
  const { driver, environment } = host;
  if (after) await intend(run, id, { after: [...after], service, volume: spec.volume.id });
  const tooLong = new AbortController();
  const ended = new AbortController();
  void session.clock
    .sleep(withinSeconds, ended.signal)
    .then(() => {
      tooLong.abort(
        new ProviderError(
          'timeout',
          `snapshot ${id}: not taken within the ${String(withinSeconds)} s that writers may wait`,
          {
            effect: 'none',
          },
        ),
      );
    })
    .catch(() => undefined); // it ended in time
  const bounded = { ...call, signal: AbortSignal.any([call.signal, tooLong.signal]) };
  try {
    await mustRun({ driver, environment, service, command: before }, 'make it consistent (before)', bounded);
    return await storage.takeSnapshot(spec, bounded);
  } catch (error) {
    if (tooLong.signal.aborted && !call.signal.aborted) throw tooLong.signal.reason;
    throw error;
  } finally {
    ended.abort();
    await releaseWriters(session, run, id);
  }
}

const releaseSchema = z.object({ after: z.array(z.string()), service: z.string(), volume: z.string() });

/** Durable before writers wait, so that whoever comes after a crash can let them go. */
async function intend(run: OperationRun, id: string, release: z.output<typeof releaseSchema>): Promise<void> {
  const step = {
    id: releaseId(id),
    title: 'let writers wait',
    result: releaseSchema,
    deadlineSeconds: RELEASE_SECONDS,
  };
  await run.step({ ...step, run: () => Promise.resolve(release) });
}

/** Runs `after` where `before` may have run. Undone is what was let go. */
export async function releaseWriters(session: Session, run: OperationRun, id: string): Promise<void> {
  const step = run.document.steps.find((one) => one.id === releaseId(id) && one.state === 'done');
  const release = releaseSchema.safeParse(step?.result).data;
  if (!release) return;
  const host = await hostOf(session, { id: release.volume });
  if (host) {
    const { driver, environment } = host;
    await session.briefly(
      'let writers go on',
      (call) =>
        mustRun(
          { driver, environment, service: release.service, command: release.after },
          'let writers go on (after)',
          call,
        ),
      RELEASE_SECONDS,
    );
  }
  // Aborted, it stays to be seen, and whoever resumes it lets them go once more.
  if (run.signal.aborted) return;
  const undone = { id: releaseId(id), title: 'let writers go on', deadlineSeconds: RELEASE_SECONDS };
  await run.undo({ ...undone, run: () => Promise.resolve() });
}

function releaseId(id: string): string {
  return `release/${id}`;
}
