import { resourceName } from '../names/resource-name.ts';
import { resourceIdOf } from '../environment/life.ts';
import { runCommand } from '../environment/run-in.ts';
import { volumeSpecs } from '../environment/volumes.ts';
import { ProviderError } from '../provider/error.ts';
import type { SlotConfig } from '../config/slot.ts';
import type { Environment, EnvironmentDriver } from '../environment/environment.ts';
import type { Session } from '../host/session.ts';
import { canFor } from '../provider/capabilities.ts';
import type { Call } from '../provider/host.ts';
import type { EnvironmentDocument } from '../state/documents.ts';
import type { Volume } from '../storage/storage.ts';
import { takeSnapshot } from '../storage/take.ts';
import { currentId } from '../storage/volumes.ts';
import type { Forward } from './forward.ts';
import { environmentDriver } from './gate.ts';
import { oldestKept } from './oldest-kept.ts';
import { asProviderError, membersOf, superseded, type SlotWork } from './work.ts';

type Migrate = NonNullable<SlotConfig['migrate']>;

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
  const onOutput = (text: string): void => {
    session.emit({ type: 'output', operation: run.id, source: `migrate/${what}`, text });
  };
  const command = { driver, environment, service: migrate.service, command: migrate[what] ?? [], onOutput };
  const { code, said } = await runCommand(command, { ...call, signal });
  signal.throwIfAborted(); // it was ended, and its exit code says nothing
  if (code !== 0) throw new ProviderError('unhealthy', `it ended with ${String(code)}: ${said}`);
}

/** Data is never turned back by a rollback: what a migration spoils is restored from here, by hand. */
async function snapshotVolumes(
  work: SlotWork,
  member: EnvironmentDocument,
  before: 'expand' | 'contract',
): Promise<void> {
  const { session, run, hold } = work;
  const volumes = new Map<string, Volume['kind']>();
  for (const { mounts } of Object.values(member.spec?.services ?? {}))
    for (const { volume } of Object.values(mounts)) volumes.set(volume.id, volume.kind);
  for (const id of await databasesOf(session, member)) volumes.set(id, 'database');
  if (volumes.size === 0) return;
  const { capabilities, provider } = await session.bind(member.provider);
  if (![...volumes.values()].some((kind) => canFor(capabilities, 'storage.snapshots', kind))) {
    warn(work, `provider "${provider.id}" takes no snapshots: the data of ${hold.slot.name} is not kept`);
    return;
  }
  for (const [volume, kind] of volumes) {
    if (!canFor(capabilities, 'storage.snapshots', kind)) {
      warn(work, `provider "${provider.id}" takes no snapshots of ${kind}: the data of ${volume} is not kept`);
      continue;
    }
    const id = resourceName(session, ['before', before, run.id, volume], SNAPSHOT_NAME);
    await takeSnapshot(session, run, { id, volume, kind: 'migration' });
  }
}

/** Those in use that its services need: a managed database is not mounted. */
async function databasesOf(session: Session, member: EnvironmentDocument): Promise<readonly string[]> {
  const { config, slot } = member;
  const volumes = config ? volumeSpecs(session, config, resourceIdOf(member), slot) : [];
  const databases = volumes.filter(({ spec }) => spec.kind === 'database');
  return Promise.all(databases.map(({ spec }) => currentId(session, spec.id)));
}

function warn(work: SlotWork, message: string): void {
  work.warnings.push(message);
  work.session.emit({ type: 'warning', message });
}
