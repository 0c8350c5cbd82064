import { fingerprint } from '../names/fingerprint.ts';
import { resourceName } from '../names/resource-name.ts';
import { tagsFor } from '../names/tags.ts';
import { driverOf } from '../host/drivers.ts';
import { pollUntilSettled } from '../engine/poll.ts';
import { ProviderError } from '../provider/error.ts';
import { STORAGE } from '../provider/tokens.ts';
import type { SlotConfig } from '../config/slot.ts';
import type { Environment, EnvironmentDriver } from '../environment/environment.ts';
import type { Call } from '../provider/host.ts';
import type { EnvironmentDocument } from '../state/documents.ts';
import type { Volume } from '../storage/storage.ts';
import type { Forward } from './forward.ts';
import { environmentDriver } from './gate.ts';
import { oldestKept } from './oldest-kept.ts';
import { asProviderError, membersOf, superseded, type SlotWork } from './work.ts';

type Migrate = NonNullable<SlotConfig['migrate']>;

const SNAPSHOT_SECONDS = 3600;
const OUTPUT_CHARACTERS = 2000;
const SNAPSHOT_NAME = { maxLength: 63 };

/**
 * Before traffic moves, under the slot's ownership: the slot's data is kept as it is, then `expand` runs in the candidate. A process that goes
 * on after a crash runs it again: it has to be one that does nothing where it was done.
 * @returns Whether anything ran.
 * @throws ProviderError `unhealthy`: it failed, or did not end in time.
 */
export async function expandSchema(work: Forward, to: string): Promise<boolean> {
  const { migrate } = work.settings.slot;
  if (!migrate?.expand) return false;
  const member = (await membersOf(work.session, work.hold.slot, [to])).get(to);
  if (!member) return false;
  // What came before may have taken long.
  if (!(await work.hold.isStillOurs())) throw superseded(work);
  if (migrate.snapshot) await snapshotVolumes(work, member, 'expand');
  await runIn(work, member, 'expand', migrate);
  return true;
}

/** Whether the slot stays owned after the flip, so that `contract` can run. */
export async function hasContract({ session, hold }: Forward): Promise<boolean> {
  const members = await membersOf(session, hold.slot);
  return [...members.values()].some((member) => migrateOf(member, hold.slot.name)?.contract !== undefined);
}

/**
 * Once the promotion is good. Everything that is kept may get traffic again, so only what the oldest of it does without may go: its own
 * `contract` says what that is, and runs in it. A newer one's turn comes when it is the oldest.
 */
export async function contractSchema(work: Forward): Promise<void> {
  const { hold, session } = work;
  const { name } = hold.slot;
  if (!(await hasContract(work))) return;
  const member = await oldestKept(session, hold.slot);
  if (!member) return;
  const migrate = migrateOf(member, name);
  if (!migrate?.contract) return;
  if (!(await hold.isStillOurs())) throw superseded(work);
  try {
    if (migrate.snapshot) await snapshotVolumes(work, member, 'contract');
    await runIn(work, member, 'contract', migrate);
  } catch (error) {
    if (work.run.signal.aborted) throw error;
    // Traffic is where it should be, and an expanded schema serves on.
    work.warnings.push(error instanceof Error ? error.message : String(error));
  }
}

function migrateOf({ config }: EnvironmentDocument, slot: string): Migrate | undefined {
  return config?.slots[slot]?.migrate;
}

async function runIn(
  work: Forward,
  member: EnvironmentDocument,
  what: 'expand' | 'contract',
  migrate: Migrate,
): Promise<void> {
  const { session, run } = work;
  const path = `slots.${work.hold.slot.name}.migrate.${what}`;
  const driver = await environmentDriver(session, member);
  const { environment } = member;
  if (!driver.exec || !environment)
    throw new ProviderError('unsupported', `provider "${member.provider.name}" runs no commands inside services`, {
      path,
    });
  run.note(`migrate/${what}`, `${what} the schema`, 'started');
  try {
    await session.briefly(
      `${what} the schema in ${member.id}`,
      (call) => execIn(work, driver, environment, { what, migrate, call }),
      migrate.withinSeconds,
    );
  } catch (error) {
    run.note(`migrate/${what}`, `${what} the schema`, 'failed');
    if (run.signal.aborted) throw error;
    const why = asProviderError(error);
    throw new ProviderError('unhealthy', `${what} of ${member.id} failed: ${why.message}`, {
      path,
      cause: why,
      hint: `clusternator env logs ${member.id}; it may have been done in part, and runs again with the next promotion`,
    });
  }
  run.note(`migrate/${what}`, `${what} the schema`, 'done');
}

async function execIn(
  { session, run }: Forward,
  driver: EnvironmentDriver,
  environment: Environment,
  { what, migrate, call }: { readonly what: 'expand' | 'contract'; readonly migrate: Migrate; readonly call: Call },
): Promise<void> {
  const signal = AbortSignal.any([call.signal, run.signal]);
  const request = { service: migrate.service, command: migrate[what] ?? [] };
  const exec = await driver.exec?.(environment, request, { ...call, signal });
  await exec?.end();
  let said = '';
  for await (const bytes of exec?.output ?? []) {
    const text = Buffer.from(bytes).toString('utf8');
    said = (said + text).slice(-OUTPUT_CHARACTERS);
    session.emit({ type: 'output', operation: run.id, source: `migrate/${what}`, text });
  }
  const code = await exec?.exitCode;
  signal.throwIfAborted(); // it was ended, and its exit code says nothing
  if (code !== 0) throw new ProviderError('unhealthy', `it ended with ${String(code)}: ${said.trim()}`);
}

/** Data is never turned back by a rollback: what a migration spoils is restored from here, by hand. */
async function snapshotVolumes(
  work: SlotWork,
  member: EnvironmentDocument,
  before: 'expand' | 'contract',
): Promise<void> {
  const { session, run, hold } = work;
  const volumes = new Map<string, Volume>();
  for (const { mounts } of Object.values(member.spec?.services ?? {}))
    for (const { volume } of Object.values(mounts)) volumes.set(volume.id, volume);
  const bound = await session.bind(member.provider);
  if (volumes.size === 0) return;
  const { snapshots } = await driverOf(bound, STORAGE, 'storage');
  if (!snapshots || bound.capabilities['storage.snapshots']?.can !== 'yes') {
    warn(work, `provider "${bound.provider.id}" takes no snapshots: the data of ${hold.slot.name} is not kept`);
    return;
  }
  for (const volume of volumes.values()) {
    const id = resourceName(session, ['before', before, run.id, volume.id], SNAPSHOT_NAME);
    const print = fingerprint({ id, volume: volume.id });
    const tags = tagsFor(session, { type: 'snapshot', id, fingerprint: print, tags: { slot: hold.slot.name } });
    await session.briefly(
      `take a snapshot of ${volume.id}`,
      async (call) => {
        const doing = `take a snapshot of ${volume.id}`;
        const taken = await pollUntilSettled(() => snapshots.ensure({ id, fingerprint: print, tags, volume }, call), {
          clock: session.clock,
          call,
          doing,
        });
        if (taken.phase !== 'active')
          throw new ProviderError('unavailable', `${doing}: ${taken.message ?? taken.phase}`);
      },
      SNAPSHOT_SECONDS,
    );
  }
}

function warn(work: SlotWork, message: string): void {
  work.warnings.push(message);
  work.session.emit({ type: 'warning', message });
}
