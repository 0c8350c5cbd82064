import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import type { SlotDocument } from './documents.ts';
import { membersOf } from './work.ts';

/**
 * A slot to which nobody promotes alone is not destroyed in passing.
 * @param force - The slot's name, said once more.
 * @throws ProviderError `refused`: its head's config asks for approval; `invalid`: another name.
 */
export async function refuseGuarded(session: Session, slot: SlotDocument, force: string | undefined): Promise<void> {
  const { name, head } = slot;
  if (force !== undefined && force !== name)
    throw new ProviderError('invalid', `"${force}" is not the slot that is to be destroyed, which is ${name}`, {
      path: 'force',
      hint: `clusternator slot destroy ${name} --force ${name}`,
    });
  if (head === undefined || force !== undefined) return;
  const config = (await membersOf(session, slot)).get(head)?.config;
  if (config?.slots[name]?.approvalSeconds === undefined) return;
  throw new ProviderError(
    'refused',
    `what is promoted to slot ${name} has to be approved, so it is not destroyed as others are`,
    {
      effect: 'none',
      path: `slots.${name}.approval`,
      hint: `agree on it, then say its name once more: clusternator slot destroy ${name} --force ${name}`,
    },
  );
}

/** The volumes that hold a slot's data. They outlive it. */
export async function keptVolumes(session: Session, name: string): Promise<readonly string[]> {
  return session.briefly(`look for the data of ${name}`, async (call) => {
    const found: string[] = [];
    for await (const { id, document } of session.documents.volumes.list(call))
      if (document.scope === 'slot' && document.slot === name && document.phase !== 'gone') found.push(id);
    return found;
  });
}
