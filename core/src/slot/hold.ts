import { ProviderError } from '../provider/error.ts';
import type { Call } from '../provider/host.ts';
import type { Session } from '../host/session.ts';
import type { Stored } from '../state/document-store.ts';
import type { SlotDocument, SlotOwner } from './documents.ts';

/** The document of a slot in the hand of an operation. It sees only what it put itself, or read before it put. */
export class SlotHold {
  constructor(
    private readonly session: Pick<Session, 'documents' | 'briefly'>,
    readonly owner: SlotOwner,
    private stored: { readonly document: SlotDocument; readonly revision: string | null },
  ) {}

  get slot(): SlotDocument {
    return this.stored.document;
  }

  /** Of what it saw last. Null: there was none. */
  get revision(): string | null {
    return this.stored.revision;
  }

  /** This process's own, as far as it knows. */
  get isOurs(): boolean {
    return isOwnedBy(this.slot, this.owner);
  }

  /**
   * Puts what `change` makes of the document. An answer that was lost is looked for: what is there then tells whether it was applied.
   * @returns False: another owner was faster, and nothing more may be written.
   * @throws ProviderError what the store says when it can't tell; then it is unknown, and the operation stays to be resumed.
   */
  async put(change: (slot: SlotDocument) => SlotDocument): Promise<boolean> {
    for (;;) {
      const next = change(this.slot);
      const outcome = await this.session.briefly(`write slot ${next.name}`, (call) => this.tryToPut(next, call));
      if (outcome !== 'moved beside') return outcome === 'applied';
    }
  }

  /** Looks whether the slot is still this operation's, and takes in what others wrote beside, such as an approval. */
  async isStillOurs(): Promise<boolean> {
    const { name, epoch } = this.slot;
    const found = await this.session.briefly(`read slot ${name}`, (call) =>
      this.session.documents.slots.get(name, call),
    );
    if (!found || !isOwnedBy(found.document, this.owner) || found.document.epoch !== epoch) return false;
    this.stored = found;
    return true;
  }

  private async tryToPut(next: SlotDocument, call: Call): Promise<'applied' | 'lost' | 'moved beside'> {
    const { slots } = this.session.documents;
    const before = this.slot;
    try {
      this.stored = await slots.put(next.name, next, this.stored.revision, call);
      return 'applied';
    } catch (error) {
      if (!ProviderError.is(error) || error.code !== 'conflict') throw error;
      const found = await slots.get(next.name, call);
      if (!found) return 'lost';
      const shows = signature(before) !== signature(next); // else what is there can't tell, and the same put again does no harm
      if (shows && this.holds(found, next, before)) {
        this.stored = found;
        return 'applied';
      }
      // An approval or an unpin changes neither owner nor epoch: the same put, over what it wrote.
      const beside = isOwnedBy(before, this.owner) && isOwnedBy(found.document, this.owner);
      if (!beside || found.document.epoch !== before.epoch || found.document.kind !== before.kind) return 'lost';
      this.stored = found;
      return 'moved beside';
    }
  }

  /** Whether our put is what is there, whoever wrote beside it since: epoch and owner, or the generation that we made, tell. */
  private holds({ document }: Stored<SlotDocument>, next: SlotDocument, before: SlotDocument): boolean {
    if (document.epoch !== next.epoch || document.generation !== next.generation || document.kind !== next.kind)
      return false;
    if (next.owner) return isOwnedBy(document, next.owner);
    // Who does not own it can't tell its own put from one that raised the epoch beside it.
    if (!isOwnedBy(before, this.owner)) return false;
    // Let go: nobody claimed it since, and this generation is of our making or was there before.
    return document.owner === undefined && document.release?.operation === next.release?.operation;
  }
}

function signature({ epoch, generation, kind, owner }: SlotDocument): string {
  return JSON.stringify([epoch, generation, kind, owner?.operation, owner?.run]);
}

/** The same operation, in the hand of the same process. */
export function isOwnedBy({ owner }: SlotDocument, { operation, run }: SlotOwner): boolean {
  return owner?.operation === operation && owner.run === run;
}
