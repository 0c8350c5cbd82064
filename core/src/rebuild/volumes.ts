import type { VolumeConfig } from '../config/volume.ts';
import type { Session } from '../host/session.ts';
import { formatEnvironmentId, parseEnvironmentResourceId } from '../names/environment-id.ts';
import { readTag } from '../names/tags.ts';
import type { Tags } from '../provider/resource.ts';
import type { SlotDocument } from '../slot/documents.ts';
import type { EnvironmentDocument } from '../state/documents.ts';
import { backupRuleOf } from '../storage/backup-rule.ts';
import type { VolumeDocument } from '../storage/documents.ts';
import type { Snapshot, Volume, VolumeSpec } from '../storage/storage.ts';
import { mounts } from '../storage/users.ts';
import { dateOf, type Planned, type Unwritable } from './environments.ts';
import type { Unknown } from './result.ts';
import type { Survey } from './survey.ts';

type Scope = VolumeDocument['scope'];

/** What is known beside the volumes themselves. The newest environment comes first. */
export interface Around {
  readonly environments: readonly EnvironmentDocument[];
  readonly slots: readonly Pick<SlotDocument, 'name' | 'head' | 'epoch'>[];
}

/** A volume as its tags tell. */
interface Told {
  readonly volume: Volume;
  readonly tags: Tags;
  readonly name: string;
  readonly scope: Scope;
  readonly slot?: string;
  /** Of an environment, without its incarnation. */
  readonly environment?: string;
  readonly place: string;
}

/** The documents of all volumes, and of the places whose first volume is gone while another is used there. */
export function volumeDocuments(
  session: Session,
  found: Survey,
  around: Around,
): { readonly planned: readonly Planned<VolumeDocument>[]; readonly left: readonly Unwritable[] } {
  const told = found.volumes.flatMap((volume) => toldOf(volume) ?? []);
  const left = found.volumes
    .filter((volume) => !toldOf(volume))
    .map(({ id }) => ({
      id,
      unknown: [{ what: 'its tags do not tell what it is', hint: 'it stays; see where its provider shows it' }],
    }));
  const current = new Map<string, string>();
  for (const place of new Set(told.map((one) => one.place))) {
    const there = told.filter((one) => one.place === place);
    const used = usedAt(there, around);
    if (used !== undefined && used !== place) current.set(place, used);
  }
  const planned = told.map((one) => volumeDocument(session, found, around, one, current));
  const places = [...current].flatMap(([place, id]) => {
    const one = told.find(({ volume }) => volume.id === id);
    const isThere = told.some(({ volume }) => volume.id === place);
    return one && !isThere ? [{ document: formerPlace(planned, place, id), unknown: [] }] : [];
  });
  return {
    planned: [...planned, ...places.flatMap(({ document, unknown }) => (document ? [{ document, unknown }] : []))],
    left,
  };
}

/** Undefined: it was made without tags, or by somebody else. */
function toldOf(volume: Volume): Told | undefined {
  const { tags = {} } = volume;
  const name = readTag(tags, 'volume');
  if (name === undefined) return undefined;
  const slot = readTag(tags, 'slot');
  const life = readTag(tags, 'life');
  const parsed = life === undefined ? undefined : parseEnvironmentResourceId(life);
  return {
    volume,
    tags,
    name,
    scope: scopeOf(readTag(tags, 'scope'), volume.id),
    place: readTag(tags, 'place') ?? volume.id,
    ...(slot !== undefined && { slot }),
    ...(parsed && { environment: formatEnvironmentId(parsed.id) }),
  };
}

/** One of an older version says it by its id alone. */
function scopeOf(scope: string | undefined, id: string): Scope {
  if (scope === 'env' || scope === 'slot' || scope === 'project') return scope;
  return id.startsWith('project-') ? 'project' : id.startsWith('slot-') ? 'slot' : 'env';
}

/** Which of the volumes of one place is mounted: by the head of its slot before others, then by the newest environment. */
function usedAt(there: readonly Told[], { environments, slots }: Around): string | undefined {
  const heads = new Set(there.map(({ slot }) => slots.find(({ name }) => name === slot)?.head));
  const users = [...environments]
    .filter(({ spec, phase }) => spec !== undefined && phase === 'ready')
    .sort((a, b) => Number(heads.has(b.id)) - Number(heads.has(a.id)) || b.createdAt.localeCompare(a.createdAt));
  for (const user of users) {
    const used = there.find(({ volume }) => mounts(user, volume.id));
    if (used) return used.volume.id;
  }
  return undefined;
}

function volumeDocument(
  session: Session,
  found: Survey,
  around: Around,
  one: Told,
  current: ReadonlyMap<string, string>,
): Planned<VolumeDocument> {
  const { volume, tags, name, scope, slot, environment, place } = one;
  const { id } = volume;
  const isScratch = readTag(tags, 'scratch') === 'true';
  const isInUse = (current.get(place) ?? place) === id;
  const users = around.environments.filter((user) => mounts(user, id));
  const config = configOf(one, around);
  const at = session.clock.now().toISOString();
  const origin = readTag(tags, 'origin');
  const successor = current.get(id);
  const why =
    successor !== undefined
      ? `${successor} took its place`
      : isInUse || isScratch
        ? undefined
        : `made from ${origin ?? place}`;
  const phase = phaseOf(volume, users.length > 0);
  const backup = isInUse && !isScratch && config?.scope === scope ? config.backup : undefined;
  const last = backup && newestBackup(found.snapshots, place);
  const holder = volume.kind === 'disk' && isInUse ? holderOf(one, users, around) : undefined;
  const document: VolumeDocument = {
    schema: 1,
    id,
    name,
    scope,
    phase,
    generation: successor === undefined ? 0 : 1,
    holdsSlotData: readTag(tags, 'slotdata') !== 'false',
    provider: found.provider,
    spec: specOf(volume, tags, config),
    volume,
    onDestroy: protectionOf(one, config, isScratch),
    createdAt: dateOf(tags, 'created') ?? at,
    ...(phase === 'ready' && { readyAt: at }),
    ...(slot !== undefined && { slot }),
    ...(environment !== undefined && { environment }),
    ...(isScratch && { isScratch }),
    ...(successor !== undefined && { current: successor }),
    ...(place !== id && { place }),
    ...(origin !== undefined && { origin }),
    ...(why !== undefined && { retained: { at, why } }),
    ...(backup && { backup: backupRuleOf(backup) }),
    ...(last && { lastBackup: last }),
    ...holder,
  };
  return { document, unknown: isScratch ? [] : unknownOf(document, { isInUse, users, config, origin, place }) };
}

/**
 * What is half made goes with gc; never what may have been written to. A database that changes reads as one that is being made, and a failed
 * volume may hold data.
 */
function phaseOf({ phase, kind }: Volume, isUsed: boolean): 'ready' | 'creating' | 'destroying' {
  if (phase === 'destroying') return 'destroying';
  return phase === 'creating' && !isUsed && kind !== 'database' ? 'creating' : 'ready';
}

/** Of the newest environment whose config has it. */
function configOf({ name, scope, slot, environment }: Told, { environments, slots }: Around): VolumeConfig | undefined {
  const head = slots.find((one) => one.name === slot)?.head;
  const its = environments
    .filter(({ config, id }) => config && (scope !== 'env' || id === environment))
    .sort((a, b) => Number(b.id === head) - Number(a.id === head) || b.createdAt.localeCompare(a.createdAt));
  for (const { config } of its) {
    const found = config && Object.hasOwn(config.volumes, name) ? config.volumes[name] : undefined;
    if (found) return found;
  }
  return undefined;
}

/** Whether a person keeps one that goes with its environment is told by no tag: none goes, and it is a person who says so. */
function protectionOf(
  { scope, tags }: Told,
  config: VolumeConfig | undefined,
  isScratch: boolean,
): VolumeDocument['onDestroy'] {
  if (isScratch) return 'delete';
  const promised = config?.scope === scope ? config.onDestroy : readTag(tags, 'ondestroy');
  return promised === 'snapshot' || (promised === 'delete' && scope !== 'env') ? promised : 'retain';
}

function specOf(
  { id, kind, sizeGiB, fingerprint = '' }: Volume,
  tags: Tags,
  config: VolumeConfig | undefined,
): VolumeSpec {
  const [, name, version] = /^([^:]+):(.+)$/.exec(readTag(tags, 'engine') ?? '') ?? [];
  const engine = name !== undefined && version !== undefined ? { name, version } : config?.engine;
  return {
    id,
    fingerprint,
    tags,
    kind,
    sizeGiB,
    ...(engine && { engine }),
    ...(config?.native && { native: config.native }),
  };
}

/** Of a slot it is the head; else the one that mounts it, where there is one alone. */
function holderOf(
  { scope, slot, environment }: Told,
  users: readonly EnvironmentDocument[],
  { slots }: Around,
): Pick<VolumeDocument, 'holder' | 'holderEpoch'> {
  const owner = slots.find(({ name }) => name === slot);
  if (scope === 'slot' && owner?.head !== undefined) return { holder: owner.head, holderEpoch: owner.epoch };
  const [only, ...more] = users;
  const holder = scope === 'env' ? environment : more.length === 0 ? only?.id : undefined;
  return holder === undefined ? {} : { holder };
}

function newestBackup(snapshots: readonly Snapshot[], place: string): VolumeDocument['lastBackup'] {
  const [newest] = snapshots
    .flatMap((snapshot) => {
      const backup = backupOf(snapshot.tags ?? {});
      return backup && readTag(snapshot.tags ?? {}, 'place') === place ? [{ snapshot, backup }] : [];
    })
    .sort((a, b) => b.backup.sequence - a.backup.sequence);
  if (!newest) return undefined;
  const { sequence, elapsedSeconds } = newest.backup;
  return { sequence, elapsedSeconds, at: newest.snapshot.takenAt.toISOString() };
}

/** What the tags of a snapshot tell of the schedule that it was taken by. */
export function backupOf(
  tags: Tags,
): { readonly sequence: number; readonly elapsedSeconds: number; readonly missed: number } | undefined {
  const [sequence = NaN, elapsedSeconds = NaN, missed = 0] = ['sequence', 'elapsed', 'missed'].map((key) =>
    Number(readTag(tags, key) ?? NaN),
  );
  if (!Number.isSafeInteger(sequence) || sequence < 1 || !(elapsedSeconds >= 0)) return undefined;
  return { sequence, elapsedSeconds, missed: missed >= 0 ? missed : 0 };
}

/** The first volume at a place is gone, and another is used there: its document only says so. */
function formerPlace(
  planned: readonly Planned<VolumeDocument>[],
  place: string,
  current: string,
): VolumeDocument | undefined {
  const document = planned.find(({ document: { id } }) => id === current)?.document;
  if (!document) return undefined;
  const { schema, name, scope, slot, environment, provider, spec, createdAt, holdsSlotData } = document;
  return {
    schema,
    id: place,
    name,
    scope,
    phase: 'gone',
    generation: 1,
    current,
    holdsSlotData,
    provider,
    spec: { ...spec, id: place },
    onDestroy: 'retain',
    createdAt,
    ...(slot !== undefined && { slot }),
    ...(environment !== undefined && { environment }),
  };
}

function unknownOf(
  { id, phase, scope, onDestroy, spec, holder, slot }: VolumeDocument,
  about: {
    readonly isInUse: boolean;
    readonly users: readonly EnvironmentDocument[];
    readonly config: VolumeConfig | undefined;
    readonly origin: string | undefined;
    readonly place: string;
  },
): readonly Unknown[] {
  const { isInUse, users, config, origin, place } = about;
  const found: Unknown[] = [];
  if (phase === 'creating')
    return [{ what: 'who was making it', hint: 'clusternator gc removes it, for it is not whole' }];
  if (phase === 'destroying') return [{ what: 'who was destroying it', hint: 'clusternator gc' }];
  if (scope === 'env' && onDestroy === 'retain' && isInUse)
    found.push({
      what: 'whether a person keeps it: it stays when its environment is destroyed',
      hint: `clusternator storage destroy ${id}, once it is not wanted`,
    });
  if (!isInUse && origin !== undefined && users.length === 0)
    found.push({
      what: `whether it had taken the place of ${place}, which nothing shows: it had not, as it is written`,
      hint: `clusternator storage swap ${id}`,
    });
  if (!config)
    found.push({
      what: 'what its config promises, such as backups',
      hint: 'the next environment that is made with it says so',
    });
  if (spec.kind === 'disk' && isInUse && holder === undefined)
    found.push({
      what: 'who holds this disk',
      ...(slot !== undefined && { hint: `clusternator slot repair ${slot}` }),
    });
  return found;
}
