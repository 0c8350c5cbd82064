import type { Session } from '../host/session.ts';
import { formatEnvironmentId, parseEnvironmentResourceId, type EnvironmentLife } from '../names/environment-id.ts';
import { readTag } from '../names/tags.ts';
import type { Members } from '../slot/traffic.ts';
import type { EnvironmentDocument } from '../state/documents.ts';
import type { CommitReader } from './commits.ts';
import type { Planned } from './environments.ts';
import type { Survey } from './survey.ts';

/**
 * Of environments that are gone while data of theirs is kept: that they were, and how often, so that a next life of theirs does not come upon
 * that data.
 */
export async function goneDocuments(
  session: Session,
  found: Survey,
  commits: CommitReader,
  members: Members,
): Promise<readonly Planned<EnvironmentDocument>[]> {
  const planned: Planned<EnvironmentDocument>[] = [];
  const at = session.clock.now().toISOString();
  for (const [id, { life, commit }] of toldLives(found)) {
    if (members.has(id)) continue;
    const answer = commit === undefined ? await commits.read(life.id.commit) : { sha: commit };
    if (!('sha' in answer)) continue; // whoever makes one of a commit that is not there can't come upon it
    const { slot } = life.id;
    const document: EnvironmentDocument = {
      schema: 1,
      id,
      commit: answer.sha,
      incarnation: life.incarnation,
      phase: 'gone',
      epoch: 0,
      provider: found.provider,
      fingerprint: '',
      hosts: [],
      createdAt: at,
      pins: {},
      ...(slot && { slot: slot.name, settings: slot.settings }),
    };
    planned.push({ document, unknown: [] });
  }
  return planned;
}

interface ToldLife {
  readonly life: EnvironmentLife;
  readonly commit: string | undefined;
}

/** The last life of each environment that volumes and snapshots tell of. */
function toldLives({ volumes, snapshots }: Survey): ReadonlyMap<string, ToldLife> {
  const lives = new Map<string, ToldLife>();
  for (const { tags = {} } of [...volumes, ...snapshots]) {
    const life = parseEnvironmentResourceId(readTag(tags, 'life') ?? '');
    if (!life) continue;
    const id = formatEnvironmentId(life.id);
    const known = lives.get(id);
    if (known && known.life.incarnation >= life.incarnation) continue;
    lives.set(id, { life, commit: readTag(tags, 'commit') });
  }
  return lives;
}
