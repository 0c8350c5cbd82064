import { ProviderError } from '../provider/error.ts';
import type { DocumentStore, Stored } from '../state/document-store.ts';
import type { ErrorRecord, OperationDocument, StepDocument } from '../state/documents.ts';
import { withCall } from './call.ts';
import type { Clock } from './clock.ts';
import { describeOwner, isSameProcess } from './identity.ts';
import { messageOf } from './thrown.ts';

/** What a change makes of the document. It may be made twice. */
export type Change = (document: OperationDocument) => OperationDocument;

interface Waiting {
  readonly change: Change;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

const WRITE_SECONDS = 60;
const TRIES = 5;
/** What happens in the state is not undone by a person who aborts: the journal has to stay true. */
const NEVER = new AbortController().signal;

/**
 * An operation's document in the hand of its owner. Changes that come while one is written are written together, in their order.
 * Once another owner was seen, nothing is written any more.
 */
export class Journal {
  private readonly waiting: Waiting[] = [];
  private writing = false;
  private superseded: ProviderError | undefined;

  constructor(
    private readonly operations: DocumentStore<OperationDocument>,
    private readonly clock: Clock,
    private stored: Stored<OperationDocument>,
    private readonly onSuperseded: (error: ProviderError) => void,
  ) {}

  /** As it was last written. */
  get document(): OperationDocument {
    return this.stored.document;
  }

  step(id: string): StepDocument | undefined {
    return this.document.steps.find((step) => step.id === id);
  }

  /** Durable once it returns. @throws `superseded`, and what the store throws. */
  write(change: Change): Promise<void> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ change, resolve, reject });
      void this.drain();
    });
  }

  private async drain(): Promise<void> {
    if (this.writing) return;
    this.writing = true;
    while (this.waiting.length > 0) {
      const batch = this.waiting.splice(0);
      try {
        await this.put(batch.map((one) => one.change));
        for (const one of batch) one.resolve();
      } catch (error) {
        if (batch.length > 1 && ProviderError.is(error) && error.code === 'invalid') await this.putEach(batch);
        else for (const one of batch) one.reject(error);
      }
    }
    this.writing = false;
  }

  /** One of them is at fault; the others are not to fail with it. */
  private async putEach(batch: readonly Waiting[]): Promise<void> {
    for (const one of batch) await this.put([one.change]).then(one.resolve, one.reject);
  }

  private async put(changes: readonly Change[]): Promise<void> {
    for (let tries = 1; ; tries++) {
      if (this.superseded) throw this.superseded;
      const { id, document, revision } = this.stored;
      const changed = changes.reduce((current, change) => change(current), document);
      const next = { ...changed, heartbeat: document.heartbeat + 1, updatedAt: this.clock.now().toISOString() };
      try {
        this.stored = await this.call('write', (call) => this.operations.put(id, next, revision, call));
        return;
      } catch (error) {
        if (!ProviderError.is(error) || (error.code !== 'conflict' && error.effect === 'none')) throw error;
        await this.readAgain();
        if (tries === TRIES || error.code !== 'conflict') throw error;
      }
    }
  }

  /** What we know may be out of date: an answer was lost, or another owner wrote. */
  private async readAgain(): Promise<void> {
    const { id, document } = this.stored;
    const current = await this.call('read', (call) => this.operations.get(id, call));
    const mine = current?.document.epoch === document.epoch && isSameProcess(current.document.owner, document.owner);
    if (mine) {
      this.stored = current;
      return;
    }
    const by = current ? `was taken over by ${describeOwner(current.document.owner)}` : 'is gone from the state';
    this.superseded = new ProviderError('superseded', `operation ${id} ${by}; this process does nothing more for it`, {
      hint: `clusternator op show ${id} tells how it goes on.`,
    });
    this.onSuperseded(this.superseded);
  }

  private call<T>(doing: string, work: Parameters<typeof withCall<T>>[1]): Promise<T> {
    const { id } = this.stored;
    const about = { operation: id, doing: `${doing} the journal of operation ${id}`, deadlineSeconds: WRITE_SECONDS };
    return withCall({ clock: this.clock, signal: NEVER, ...about }, work);
  }
}

/** Lays `change` over one step, or adds it. */
export function withStep(id: string, change: (step: StepDocument | undefined) => StepDocument): Change {
  return (document) => {
    const known = document.steps.some((step) => step.id === id);
    const steps = known
      ? document.steps.map((step) => (step.id === id ? change(step) : step))
      : [...document.steps, change(undefined)];
    return { ...document, steps };
  };
}

/** An error as a document keeps it. */
export function errorRecord(error: unknown): ErrorRecord {
  if (!ProviderError.is(error)) return { code: 'internal', message: messageOf(error).slice(0, MESSAGE_CHARACTERS) };
  const { hint, path } = error.detail;
  return {
    code: error.code,
    message: error.message.slice(0, MESSAGE_CHARACTERS),
    ...(hint !== undefined && { hint: hint.slice(0, MESSAGE_CHARACTERS) }),
    ...(path !== undefined && { path: path.slice(0, MESSAGE_CHARACTERS) }),
  };
}

/** An error that carries a service's last lines may be long, and a document may not. */
const MESSAGE_CHARACTERS = 8000;
