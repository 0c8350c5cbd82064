import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import type { EnvironmentDocument } from '../state/documents.ts';
import type { ReleaseDocument, SlotDocument } from './documents.ts';

const DIGITS = 10;

/** So that a listing by key is one by generation. */
export function releaseId(slot: string, generation: number): string {
  return `${slot}/${String(generation).padStart(DIGITS, '0')}`;
}

/**
 * Writes the ledger's line of the slot's present generation, unless it is there. Whoever owned the slot before may have died before it did, so
 * the next to own it calls this before there is another generation.
 */
export async function completeLedger(session: Session, slot: SlotDocument): Promise<void> {
  const { name, generation, head, release } = slot;
  if (generation === 0 || head === undefined || !release) return;
  const { environments, releases } = session.documents;
  const id = releaseId(name, generation);
  await session.briefly(`write release ${id}`, async (call) => {
    if (await releases.get(id, call)) return;
    const environment = await environments.get(head, call);
    const line: ReleaseDocument = {
      schema: 1,
      slot: name,
      generation,
      environment: head,
      commit: environment?.document.commit ?? '',
      ...(environment?.document.subject !== undefined && { subject: environment.document.subject }),
      digests: environment ? digestsOf(environment.document) : {},
      configFingerprint: environment?.document.fingerprint ?? '',
      ...release,
    };
    try {
      await releases.create(id, line, call);
    } catch (error) {
      // It says the same, whoever was faster: the slot's document is what both wrote it from.
      if (!ProviderError.is(error) || error.code !== 'conflict') throw error;
    }
  });
}

/** Whether an operation made a generation after `since`, or ended the slot: its document says so, and of generations before it the ledger. */
export async function hasMade(session: Session, slot: string, operation: string, since: number): Promise<boolean> {
  return session.briefly(`read the releases of ${slot}`, async (call) => {
    // First the document: whoever goes on from it writes the ledger's line before.
    const found = await session.documents.slots.get(slot, call);
    if (found && found.document.generation > since && found.document.release?.operation === operation) return true;
    if (found?.document.destroyed?.operation === operation) return true;
    const lines = session.documents.releases.list(call, { prefix: `${slot}/`, after: releaseId(slot, since) });
    for await (const { document } of lines) if (document.operation === operation) return true;
    return false;
  });
}

/** A claim whose answer was lost and that was found overtaken may have been made after all. */
export async function wasMade(
  session: Session,
  operation: string,
  { name, generation }: SlotDocument,
): Promise<boolean> {
  const found = await session.briefly(`read slot ${name}`, (call) => session.documents.slots.get(name, call));
  if (found?.document.owner?.operation === operation) return true;
  return hasMade(session, name, operation, generation);
}

/** What runs, by part: the same before and after a promotion. */
export function digestsOf({ spec }: EnvironmentDocument): Record<string, string> {
  if (!spec) return {};
  const parts = [...Object.entries(spec.services), ...Object.entries(spec.sites)];
  return Object.fromEntries(
    parts.map(([name, { artefact }]) => [name, artefact.kind === 'image' ? artefact.reference : artefact.digest]),
  );
}
