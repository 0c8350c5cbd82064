import type { Session } from '../host/session.ts';
import { formatEnvironmentId, parseEnvironmentResourceId } from '../names/environment-id.ts';
import { readTag } from '../names/tags.ts';
import type { Tags } from '../provider/resource.ts';
import type { EnvironmentDocument } from '../state/documents.ts';
import type { SnapshotDocument } from '../storage/documents.ts';
import { resolveQuiesce } from '../storage/presets.ts';
import type { Snapshot, Volume } from '../storage/storage.ts';
import { backupRuleOf } from '../storage/backup-rule.ts';
import type { Planned } from './environments.ts';
import type { Unknown } from './result.ts';
import type { Survey } from './survey.ts';
import { backupOf } from './volumes.ts';

const KINDS: ReadonlySet<string> = new Set<SnapshotDocument['kind']>([
  'manual',
  'backup',
  'seed',
  'destroy',
  'migration',
  'restore',
  'clone',
]);

/** The documents of all snapshots. */
export function snapshotDocuments(
  session: Session,
  found: Survey,
  environments: readonly EnvironmentDocument[],
): readonly Planned<SnapshotDocument>[] {
  const at = session.clock.now().toISOString();
  return found.snapshots.map((snapshot) => {
    const { id, volume, tags = {}, takenAt, bytes } = snapshot;
    const life = parseEnvironmentResourceId(readTag(tags, 'life') ?? '');
    const slot = readTag(tags, 'slot');
    const kind = readTag(tags, 'kind');
    const content = readTag(tags, 'content') === 'dump' ? 'dump' : 'volume';
    const restore = content === 'dump' ? restoreOf(tags, environments) : undefined;
    const backup = backupOf(tags);
    const phase = phaseOf(snapshot);
    const document: SnapshotDocument = {
      schema: 1,
      id,
      volume,
      place: readTag(tags, 'place') ?? volume,
      name: readTag(tags, 'name') ?? volume,
      phase,
      kind: isKind(kind) ? kind : 'manual',
      content,
      quiesce: readTag(tags, 'quiesce') ?? 'none',
      holdsSlotData: readTag(tags, 'slotdata') !== 'false',
      provider: found.provider,
      spec: { id, fingerprint: snapshot.fingerprint ?? '', tags, volume: volumeOf(found, snapshot) },
      snapshot,
      takenAt: takenAt.toISOString(),
      createdAt: takenAt.toISOString(),
      ...(bytes !== undefined && { bytes }),
      ...(slot !== undefined && { slot }),
      ...(life && { environment: formatEnvironmentId(life.id) }),
      ...(restore && { restore }),
      ...(backup && { backup }),
      // Whether a person keeps it is told by no tag.
      ...(backup && phase === 'ready' && { retained: { at, why: 'the state was rebuilt' } }),
    };
    return { document, unknown: unknownOf(document) };
  });
}

function isKind(text: string | undefined): text is SnapshotDocument['kind'] {
  return text !== undefined && KINDS.has(text);
}

/** What is not whole has nobody any more who makes it so. */
function phaseOf({ phase }: Snapshot): SnapshotDocument['phase'] {
  if (phase === 'destroying') return 'destroying';
  return phase === 'active' || phase === 'stopped' ? 'ready' : 'creating';
}

/** The volume itself or, where it is gone, as much of it as another one needs to be made like it. */
function volumeOf({ volumes }: Survey, { volume, tags = {} }: Snapshot): Volume {
  const there = volumes.find(({ id }) => id === volume);
  if (there) return there;
  const kind = readTag(tags, 'volumekind');
  const sizeGiB = Number(readTag(tags, 'size') ?? NaN);
  return {
    id: volume,
    phase: 'active',
    handle: {},
    kind: kind === 'disk' || kind === 'database' ? kind : 'files',
    sizeGiB: sizeGiB > 0 ? sizeGiB : 1,
  };
}

/** By the preset that it was dumped by, or what the config of an environment says of the volume now. */
function restoreOf(tags: Tags, environments: readonly EnvironmentDocument[]): SnapshotDocument['restore'] {
  const service = readTag(tags, 'service');
  const quiesce = readTag(tags, 'quiesce');
  const name = readTag(tags, 'name');
  if (service === undefined || name === undefined) return undefined;
  if (quiesce === 'pg_dump' || quiesce === 'mysql') {
    const preset = resolveQuiesce(quiesce, {});
    return preset.how === 'dump' && preset.restore ? { run: [...preset.restore], service } : undefined;
  }
  const newestFirst = [...environments].sort((a, b) => b.createdAt.localeCompare(a.createdAt));
  for (const { config } of newestFirst) {
    const promised = config && Object.hasOwn(config.volumes, name) ? config.volumes[name]?.backup : undefined;
    const rule = promised && backupRuleOf(promised).quiesce;
    if (typeof rule === 'object' && 'dump' in rule && rule.restore) return { run: [...rule.restore], service };
  }
  return undefined;
}

function unknownOf({ id, phase, content, restore, backup }: SnapshotDocument): readonly Unknown[] {
  if (phase !== 'ready') return [{ what: `who was ${phase} it`, hint: 'clusternator gc removes it' }];
  const found: Unknown[] = [];
  if (backup)
    found.push(
      {
        what: 'whether a person keeps it: it does not expire',
        hint: `clusternator storage retain ${id} --release lets it expire as its volume’s backups do`,
      },
      { what: 'whether it was verified', hint: `clusternator backup verify ${id}` },
    );
  if (content === 'dump' && !restore)
    found.push({
      what: 'the command that reads this dump again',
      hint: 'deploy a config that has it, and rebuild before it is written',
    });
  return found;
}
