import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import type { Call } from '../provider/host.ts';
import type { FoundationDocument } from './documents.ts';

/** What stands on a foundation, and what to do about it. */
interface User {
  readonly what: string;
  readonly wayOut: string;
}
const NAMED = 10;

/** @throws ProviderError `conflict`, with all that stands on the foundation. */
export async function refuseWhileUsed(session: Session, { id, provider }: FoundationDocument): Promise<void> {
  const users = await session.briefly(`look for what stands on ${id}`, (call) =>
    usersOf(session, id, provider.name, call),
  );
  const [first] = users;
  if (!first) return;
  const named = users.slice(0, NAMED).map(({ what }) => what);
  const more = users.length > NAMED ? [`${String(users.length - NAMED)} more`] : [];
  throw new ProviderError('conflict', `the foundation ${id} is in use by ${[...named, ...more].join(', ')}`, {
    effect: 'none',
    hint: [...new Set(users.map(({ wayOut }) => wayOut))].join('; '),
  });
}

async function usersOf(session: Session, id: string, provider: string, call: Call): Promise<readonly User[]> {
  const { environments, slots, volumes, snapshots } = session.documents;
  const standsOnIt = placeOf(session, id, provider);
  const users: User[] = [];
  for await (const { document } of slots.list(call))
    if ((document.spec || document.owner) && (await standsOnIt(document.provider)))
      users.push({
        what: `slot ${document.name}`,
        wayOut: 'clusternator slot destroy <slot>',
      });
  for await (const { document } of environments.list(call))
    if (document.phase !== 'gone' && (await standsOnIt(document.provider)))
      users.push({ what: `environment ${document.id}`, wayOut: 'clusternator env destroy <environment>' });
  for await (const { document } of volumes.list(call))
    if (document.phase !== 'gone' && (await standsOnIt(document.provider)))
      users.push({ what: `volume ${document.id}`, wayOut: 'clusternator storage destroy <volume>' });
  for await (const { document } of snapshots.list(call))
    if (await standsOnIt(document.provider))
      users.push({ what: `snapshot ${document.id}`, wayOut: 'clusternator storage destroy <snapshot>' });
  return users;
}

/** Of one that is about to be made, the config is not known yet: it may stand anywhere. */
function placeOf(
  session: Session,
  id: string,
  name: string,
): (provider: { readonly name: string; readonly config: unknown }) => Promise<boolean> {
  return async (provider) => {
    if (provider.name !== name) return false;
    try {
      return (await session.bind(provider)).foundation === id;
    } catch (error) {
      if (ProviderError.is(error) && error.code === 'invalid') return true;
      throw error;
    }
  };
}
