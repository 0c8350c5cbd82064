import type { OperationRun } from '../engine/operation.ts';
import type { Environment, Instances } from '../environment/environment.ts';
import { resourceIdOf } from '../environment/life.ts';
import { stopServices } from '../environment/stop-services.ts';
import { ProviderError } from '../provider/error.ts';
import type { Call } from '../provider/host.ts';
import type { EnvironmentDocument } from '../state/documents.ts';
import { heldBy } from '../storage/holder.ts';
import { servicesOn, slotDisks } from './disks.ts';
import { environmentDriver, lookAt, windowOf } from './gate.ts';
import type { SlotHold } from './hold.ts';
import { usedBy } from './moves.ts';
import { superseded, type SlotWork } from './work.ts';

// How a disk of a slot goes from one environment to another: what mounts it is stopped, and seen to be stopped; then the volume's document says
// who holds it, under the slot's epoch; only then the other one starts. So there are never two, wherever it is cut short, and whoever takes over
// does the same again, in either direction. The put under a new epoch fences a process that slept.

/** A service may take its time to end: what it writes last is data. */
const STOP_SECONDS = 600;
const START_SECONDS = 120;
const PAUSE_SECONDS = 0.5;

/** Who hands over: the operation that owns the slot, or whoever puts an idle slot right. */
export interface HandoverWork extends Pick<SlotWork, 'session' | 'handover'> {
  readonly hold: Pick<SlotHold, 'slot' | 'isStillOurs'>;
  readonly run: Pick<OperationRun, 'signal' | 'note'>;
}

/**
 * Gives disks to an environment. What has them mounted is stopped first. What is to mount them is not started.
 * @throws ProviderError `superseded`; `conflict`: one is held by an environment that is not of this slot; `timeout`: it does not stop.
 */
export async function takeDisks(work: HandoverWork, to: string, ids: readonly string[]): Promise<void> {
  const { session, hold } = work;
  if (ids.length === 0) return;
  for (const other of await othersOn(work, to, ids)) {
    if (!(await hold.isStillOurs())) throw superseded(work);
    const doing = `stop what holds ${ids.join(', ')} in ${other.id}`;
    await session.briefly(doing, (call) => stop(work, other, ids, call), STOP_SECONDS);
  }
  const { handover } = work;
  if (handover) handover.stoppedSeconds ??= session.clock.monotonicSeconds();
  if (!(await hold.isStillOurs())) throw superseded(work);
  for (const id of ids) await give(work, id, to);
  if (handover) handover.heldSeconds ??= session.clock.monotonicSeconds();
}

/** Starts what mounts the disks that an environment holds. One that runs on the head alone starts on the head alone. */
export async function startOn(
  { session, hold }: Pick<HandoverWork, 'session' | 'hold'>,
  member: EnvironmentDocument,
  ids: readonly string[],
  environment: Environment | undefined = member.environment,
): Promise<void> {
  if (!environment) return;
  const isHead = member.id === hold.slot.head;
  const wanted = servicesOf(member, ids).flatMap((name): [string, Instances][] => {
    const service = member.config?.services[name];
    return service && (service.runOn === 'every' || isHead) ? [[name, service.instances]] : [];
  });
  if (wanted.length === 0) return;
  const driver = await environmentDriver(session, member);
  await session.briefly(
    `start what mounts ${ids.join(', ')} in ${member.id}`,
    async (call) => {
      const { parts } = await driver.health(environment, call);
      const missing = wanted.filter(([name, { min }]) => (parts[name]?.instances ?? 0) < min);
      if (missing.length > 0) await driver.scale?.(environment, Object.fromEntries(missing), call);
    },
    START_SECONDS,
  );
}

/** What a way back came to. `unwell`: it holds its disks, and does not answer well. `stuck`: they could not be handed over. */
export type HandedBack =
  | { readonly state: 'well' }
  | { readonly state: 'unwell'; readonly why: string }
  | { readonly state: 'stuck'; readonly error: unknown };

const WELL: HandedBack = { state: 'well' };

/**
 * Gives an environment that is there its disks again, and waits until it answers. Tried again for as long as it may take to start: a process that
 * was overtaken may still be at it.
 * @throws ProviderError `superseded`; what aborts the operation.
 */
export async function handBack(work: HandoverWork, member: EnvironmentDocument): Promise<HandedBack> {
  const { session, hold, run } = work;
  const { clock } = session;
  const ids = (await slotDisks(session, hold.slot.name, member)).map(({ id }) => id);
  if (ids.length === 0) return WELL;
  const health = member.config?.slots[hold.slot.name]?.health;
  const until = clock.monotonicSeconds() + windowOf(member, hold.slot.name);
  for (;;) {
    let outcome: HandedBack;
    try {
      await takeDisks(work, member.id, ids);
      await startOn(work, member, ids);
      const { troubles } = await session.briefly(`look at ${member.id}`, (call) =>
        lookAt(session, member, health, call),
      );
      if (troubles.length === 0) return WELL;
      outcome = { state: 'unwell', why: troubles.join('; ') };
    } catch (error) {
      if (run.signal.aborted || (ProviderError.is(error) && error.code === 'superseded')) throw error;
      outcome = { state: 'stuck', error };
    }
    if (clock.monotonicSeconds() >= until) return outcome;
    await clock.sleep(PAUSE_SECONDS, run.signal);
  }
}

/** Environments that hold one of these volumes, or that somebody may have started on one for this slot. */
async function othersOn(
  { session, hold }: HandoverWork,
  to: string,
  ids: readonly string[],
): Promise<EnvironmentDocument[]> {
  const { slot } = hold;
  return session.briefly(`look for what holds ${ids.join(', ')}`, async (call) => {
    const { volumes, environments } = session.documents;
    const kept = await Promise.all(ids.map((id) => volumes.get(id, call)));
    const holders = kept.map((one) => one?.document.holder);
    const named = new Set([...holders, ...usedBy(slot)].filter((id) => id !== undefined && id !== to));
    const found = await Promise.all([...named].map((id) => environments.get(id ?? '', call)));
    const there = found.flatMap((one) => (one && one.document.phase !== 'gone' ? [one.document] : []));
    const stranger = there.find((one) => one.slot !== slot.name && holders.includes(one.id));
    const disk = kept.find((one) => stranger && one?.document.holder === stranger.id)?.document;
    if (disk) throw heldBy(disk);
    return there.filter((one) => servicesOf(one, ids).length > 0);
  });
}

function servicesOf({ spec }: EnvironmentDocument, ids: readonly string[]): string[] {
  return spec ? servicesOn(spec, ids) : [];
}

/** Until nothing of it runs any more that could write. */
async function stop(
  work: HandoverWork,
  member: EnvironmentDocument,
  ids: readonly string[],
  { signal, ...briefly }: Call,
): Promise<void> {
  const { session, run, hold } = work;
  const { clock } = session;
  const call = { ...briefly, signal: AbortSignal.any([signal, run.signal]) };
  const driver = await environmentDriver(session, member);
  const services = servicesOf(member, ids);
  const ref = { id: resourceIdOf(member), ...(member.environment && { handle: member.environment.handle }) };
  const doing = `stop ${services.join(', ')} of ${member.id}`;
  const told = { is: false };
  const onRunning = (): void => {
    if (member.id === hold.slot.head) work.handover ??= { sinceSeconds: clock.monotonicSeconds() };
    run.note(`stop/${member.id}`, doing, 'started');
    told.is = true;
  };
  await stopServices(clock, driver, { ref, services, doing, onRunning }, call);
  if (told.is) run.note(`stop/${member.id}`, doing, 'done');
}

/** Written again even where it says so already: under a new epoch no process that slept puts anything after it. */
async function give(work: HandoverWork, id: string, to: string): Promise<void> {
  const { session, hold } = work;
  const { epoch } = hold.slot;
  try {
    await session.briefly(`give volume ${id} to ${to}`, (call) =>
      session.documents.volumes.update(
        id,
        (now) => {
          const given = now.holderEpoch ?? 0;
          if (given > epoch) throw superseded(work);
          if (now.phase === 'gone' || (now.holder === to && given === epoch)) return undefined;
          return { ...now, holder: to, holderEpoch: epoch };
        },
        call,
      ),
    );
  } catch (error) {
    if (!ProviderError.is(error) || error.code !== 'not-found') throw error; // it is made with its environment
  }
}
