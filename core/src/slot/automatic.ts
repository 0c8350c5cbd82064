import { descendsFrom } from './descent.ts';
import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import type { EnvironmentDocument } from '../state/documents.ts';
import type { SlotDocument } from './documents.ts';
import { isRejected } from './moves.ts';

/**
 * What a program may promote without a person: never past a rollback, never what was rejected, and never back in history.
 * @throws ProviderError `refused`.
 */
export async function checkAutomatic(
  session: Session,
  slot: SlotDocument,
  candidate: EnvironmentDocument,
  allowOlder: boolean,
): Promise<void> {
  const { name, head, pinned } = slot;
  if (pinned) {
    throw new ProviderError('refused', `slot ${name} is pinned by ${pinned.by} since ${pinned.at}: ${pinned.why}`, {
      hint: `clusternator slot unpin ${name}, or promote on purpose`,
    });
  }
  if (isRejected(slot, candidate.id)) {
    throw new ProviderError('refused', `environment ${candidate.id} was rolled back from ${name}`, {
      hint: `to promote it all the same: clusternator promote ${candidate.id} ${name}`,
    });
  }
  if (head === undefined || allowOlder) return;
  const former = await session.briefly(`read environment ${head}`, (call) =>
    session.documents.environments.get(head, call),
  );
  const from = former?.document.commit;
  if (from === undefined || from === candidate.commit) return;
  if (await descendsFrom(session, candidate, from)) return;
  throw new ProviderError(
    'refused',
    `commit ${candidate.commit.slice(0, 12)} does not descend from ${from.slice(0, 12)}, which ${name} serves`,
    { hint: 'promote it without --automatic, or with --allow-older' },
  );
}
