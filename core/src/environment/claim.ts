import type { OperationRun } from '../engine/operation.ts';
import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import type { Call } from '../provider/host.ts';
import type { EnvironmentDocument } from '../state/documents.ts';
import type { Stored } from '../state/document-store.ts';

/** An environment's document under an operation that owns it. Every write of it goes through here. */
export class Claim {
  private constructor(
    private readonly session: Session,
    private stored: Stored<EnvironmentDocument>,
    private readonly operation: string,
  ) {}

  get document(): EnvironmentDocument {
    return this.stored.document;
  }

  /**
   * Writes that the operation owns the environment from now on.
   * @param found - What was read: the claim fails when it moved since.
   * @throws ProviderError `conflict`: somebody else was faster.
   */
  static async take(
    session: Session,
    found: Stored<EnvironmentDocument> | undefined,
    next: EnvironmentDocument,
    run: OperationRun,
    call: Call,
  ): Promise<Claim> {
    const owned = { ...next, epoch: (found?.document.epoch ?? 0) + 1, owner: { operation: run.id } };
    const stored = await session.documents.environments.put(next.id, owned, found?.revision ?? null, call);
    return new Claim(session, stored, run.id);
  }

  /** Goes on with what an operation owns already. Undefined: it doesn't. */
  static async resume(session: Session, id: string, operation: string, call: Call): Promise<Claim | undefined> {
    const stored = await session.documents.environments.get(id, call);
    return stored?.document.owner?.operation === operation ? new Claim(session, stored, operation) : undefined;
  }

  /**
   * Changes the document, as long as the operation owns it: pins and such may change beside.
   * @throws ProviderError `superseded`.
   */
  async write(change: (document: EnvironmentDocument) => EnvironmentDocument, call: Call): Promise<void> {
    this.stored = await this.session.documents.environments.update(
      this.stored.id,
      (document) => change(this.owned(document)),
      call,
    );
  }

  /** The last write: the operation lets go. */
  async release(change: (document: EnvironmentDocument) => EnvironmentDocument, call: Call): Promise<void> {
    const { epoch } = this.document;
    this.stored = await this.session.documents.environments.update(
      this.stored.id,
      (document) => {
        // The answer to our own last write was lost: it is as we left it.
        if (document.epoch === epoch && document.owner === undefined) return undefined;
        const { owner: _, ...free } = change(this.owned(document));
        return free;
      },
      call,
    );
  }

  private owned(document: EnvironmentDocument): EnvironmentDocument {
    if (document.owner?.operation === this.operation && document.epoch === this.document.epoch) return document;
    throw new ProviderError('superseded', `environment ${document.id} was taken over by another operation`, {
      hint: `clusternator env show ${document.id}`,
    });
  }
}
