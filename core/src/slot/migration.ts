import { fingerprint } from '../names/fingerprint.ts';
import { tagsFor } from '../names/tags.ts';
import { driverOf } from '../host/drivers.ts';
import { pollUntilSettled } from '../engine/poll.ts';
import { ProviderError } from '../provider/error.ts';
import { STORAGE } from '../provider/tokens.ts';
import type { EnvironmentDocument } from '../state/documents.ts';
import type { Volume } from '../storage/storage.ts';
import type { Forward } from './forward.ts';
import { environmentDriver } from './gate.ts';
import type { SlotSettings } from './settings.ts';
import { membersOf, superseded, type SlotWork } from './work.ts';

const SNAPSHOT_SECONDS = 3600;
const OUTPUT_CHARACTERS = 2000;

export function needsContract({ slot }: SlotSettings): boolean {
  return slot.migrate?.contract !== undefined;
}

/** Before traffic moves, under the slot's ownership: the slot's data is kept as it is, then `expand` runs in the candidate. */
export async function expandSchema(work: Forward, to: string): Promise<void> {
  const { migrate } = work.settings.slot;
  if (!migrate?.expand) return;
  const member = (await membersOf(work.session, work.hold.slot, [to])).get(to);
  if (!member) return;
  // What came before may have taken long.
  if (!(await work.hold.isStillOurs())) throw superseded(work);
  if (migrate.snapshot) await snapshotVolumes(work, member);
  await runIn(work, member, 'expand', migrate.expand);
}

/** Once the promotion is good, and no standby is left that needs the old schema. Else the next promotion's turn comes. */
export async function contractSchema(work: Forward): Promise<void> {
  const { migrate } = work.settings.slot;
  const { hold, session } = work;
  if (!migrate?.contract) return;
  const { head, standbys, retain } = hold.slot;
  const members = await membersOf(session, hold.slot);
  const member = head === undefined ? undefined : members.get(head);
  const wanted = JSON.stringify(migrate.contract);
  const older = standbys
    .slice(0, retain)
    .filter((id) => JSON.stringify(members.get(id)?.config?.slots[hold.slot.name]?.migrate?.contract) !== wanted);
  if (!member) return;
  if (older.length > 0) {
    work.warnings.push(`contract has to wait: ${older.join(', ')} may still need the old schema`);
    return;
  }
  try {
    await runIn(work, member, 'contract', migrate.contract);
  } catch (error) {
    if (work.run.signal.aborted) throw error;
    // Traffic is where it should be, and an expanded schema serves on.
    work.warnings.push(error instanceof Error ? error.message : String(error));
  }
}

async function runIn(
  work: Forward,
  member: EnvironmentDocument,
  what: 'expand' | 'contract',
  command: readonly string[],
): Promise<void> {
  const { session, run } = work;
  const { service = '', withinSeconds = 600 } = work.settings.slot.migrate ?? {};
  const driver = await environmentDriver(session, member);
  const { environment } = member;
  if (!driver.exec || !environment)
    throw new ProviderError('unsupported', `provider "${member.provider.name}" runs no commands inside services`, {
      path: `slots.${work.hold.slot.name}.migrate`,
    });
  work.run.note(`migrate/${what}`, `${what} the schema`, 'started');
  await session.briefly(
    `${what} the schema in ${member.id}`,
    async (call) => {
      const exec = await driver.exec?.(environment, { service, command }, call);
      let said = '';
      for await (const bytes of exec?.output ?? []) {
        const text = Buffer.from(bytes).toString('utf8');
        said = (said + text).slice(-OUTPUT_CHARACTERS);
        session.emit({ type: 'output', operation: run.id, source: `migrate/${what}`, text });
      }
      const code = await exec?.exitCode;
      if (code !== 0) {
        throw new ProviderError('unhealthy', `${what} of ${member.id} ended with ${String(code)}: ${said.trim()}`, {
          path: `slots.${work.hold.slot.name}.migrate.${what}`,
        });
      }
    },
    withinSeconds,
  );
  work.run.note(`migrate/${what}`, `${what} the schema`, 'done');
}

/** Data is never turned back by a rollback: what a migration spoils is restored from here, by hand. */
async function snapshotVolumes(work: Forward, member: EnvironmentDocument): Promise<void> {
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
    const id = `${run.id}-${volume.id}`.slice(0, 63);
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
