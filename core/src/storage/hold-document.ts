import { hasEnded } from '../engine/ownership.ts';
import { attachToOperation, resumeOperation, type OperationRun } from '../engine/operation.ts';
import { livenessOf, describeOwner, type ProcessIdentity } from '../engine/identity.ts';
import { messageOf } from '../engine/thrown.ts';
import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import type { DocumentStore, Stored } from '../state/document-store.ts';
import type { OperationDocument } from '../state/documents.ts';

interface Owned {
  readonly schema: number;
  readonly id: string;
  readonly owner?: { readonly operation: string; readonly epoch: number } | undefined;
}

/** A volume's or a snapshot's document in the hand of an operation. Every write of it by that operation goes through here. */
export class DocumentHold<T extends Owned> {
  constructor(
    private readonly session: Session,
    private readonly store: DocumentStore<T>,
    private readonly run: OperationRun,
    readonly id: string,
  ) {}

  /**
   * Takes it for the operation. What another operation left unfinished on it is finished first; one that lives is waited for or told.
   * @param next - From what is there. Undefined: it is not to be taken.
   * @throws ProviderError `conflict`, naming the owner.
   */
  async take(next: (found: T | undefined) => T | undefined, busy: 'wait' | 'tell'): Promise<T | undefined> {
    for (;;) {
      this.session.operations.signal.throwIfAborted();
      const found = await this.read();
      const owner = found?.document.owner;
      if (owner && owner.operation !== this.run.id && !(await this.isFree(owner.operation, busy))) continue;
      const wanted = next(found?.document);
      if (wanted === undefined) return undefined;
      const taken = { ...wanted, owner: { operation: this.run.id, epoch: this.run.epoch } };
      try {
        const stored = await this.session.briefly(`write ${this.id}`, (call) =>
          this.store.put(this.id, taken, found?.revision ?? null, call),
        );
        return stored.document;
      } catch (error) {
        if (!ProviderError.is(error) || error.code !== 'conflict') throw error;
      }
    }
  }

  /** @throws ProviderError `superseded`: another operation, or another process of this one, has it. */
  async write(change: (document: T) => T): Promise<T> {
    const { document } = await this.session.briefly(`write ${this.id}`, (call) =>
      this.store.update(this.id, (found) => change(this.ours(found)), call),
    );
    return document;
  }

  /** The last write. */
  async release(change: (document: T) => T): Promise<T> {
    const { document } = await this.session.briefly(`write ${this.id}`, (call) =>
      this.store.update(
        this.id,
        (found) => {
          // It was let go before: this is the same operation again, after a crash or a lost answer.
          if (found.owner === undefined) return undefined;
          const { owner: _, ...rest } = change(this.ours(found));
          return rest as T; // an owner is optional in each
        },
        call,
      ),
    );
    return document;
  }

  /** Removes it. What is gone stays gone. */
  async remove(): Promise<void> {
    const found = await this.read();
    if (!found) return;
    this.ours(found.document);
    await this.session.briefly(`forget ${this.id}`, (call) => this.store.delete(found, call));
  }

  private read(): Promise<Stored<T> | undefined> {
    return this.session.briefly(`read ${this.id}`, (call) => this.store.get(this.id, call));
  }

  private ours(document: T): T {
    const { owner } = document;
    if (owner?.operation === this.run.id && owner.epoch <= this.run.epoch)
      return { ...document, owner: { operation: this.run.id, epoch: this.run.epoch } };
    throw new ProviderError('superseded', `${this.id} was taken over by another operation`, { effect: 'none' });
  }

  private async isFree(operation: string, busy: 'wait' | 'tell'): Promise<boolean> {
    const { session } = this;
    const found = await session.briefly(`read operation ${operation}`, (call) =>
      session.documents.operations.get(operation, call),
    );
    if (!found || hasEnded(found.document)) return true;
    if (!isFree(session, found.document)) {
      if (busy === 'tell') throw inHandOf(this.id, found.document);
      // It ends, or its process turns out to be gone.
      const { ownership } = await attachToOperation(session.operations, operation);
      if (ownership === 'ended') return false;
    }
    session.emit({
      type: 'warning',
      message: `${found.document.kind} ${found.document.subject} was left unfinished; going on with it first`,
    });
    try {
      await session.carryOn(await resumeOperation(session.operations, operation));
    } catch (error) {
      if (session.operations.signal.aborted) throw error;
      session.emit({ type: 'warning', message: messageOf(error) });
    }
    return false;
  }
}

function inHandOf(id: string, { id: operation, kind, owner }: OperationDocument): ProviderError {
  return new ProviderError(
    'conflict',
    `${id} is in the hand of operation ${operation} (${kind}, ${describeOwner(owner)})`,
    { effect: 'none', hint: `wait for it: clusternator op show ${operation}` },
  );
}

/** Nobody works on it any more, and it has not ended. */
export function isFree(session: Session, document: OperationDocument): boolean {
  if (hasEnded(document)) return false;
  if (document.state === 'interrupted') return true;
  const { identity, liveness = (one: ProcessIdentity) => livenessOf(one, identity) } = session.operations;
  return liveness(document.owner) === 'dead';
}
