import { ulid } from 'ulid';
import { ProviderError } from '../provider/error.ts';
import type { Stored } from '../state/document-store.ts';
import { documentsIn, type OperationDocument } from '../state/documents.ts';
import type { StateStore } from '../state/store.ts';
import { deriveToken, throwIfAborted, withCall } from './call.ts';
import type { Clock } from './clock.ts';
import type { EngineEvent } from './events.ts';
import type { Liveness, ProcessIdentity } from './identity.ts';
import { errorRecord, Journal, withStep, type Change } from './journal.ts';
import { followOperation, OWNERSHIP, takeOver, type OwnershipParts, type OwnershipTiming } from './ownership.ts';
import { planSteps, runStep, undoStep, type Step } from './steps.ts';
import { inWaves } from './waves.ts';

/** What operations run with. */
export interface OperationDeps {
  readonly store: StateStore;
  readonly clock: Clock;
  /** Of this process. */
  readonly identity: ProcessIdentity;
  readonly emit: (event: EngineEvent) => void;
  /** A person's: it ends waits at once, and leaves the operation to be resumed. */
  readonly signal: AbortSignal;
  readonly timing?: OwnershipTiming;
  readonly liveness?: (owner: ProcessIdentity) => Liveness;
}

/** What an operation is to do. */
export interface OperationRequest {
  readonly kind: string;
  /** What it works on, such as an environment's id. */
  readonly subject: string;
  /** All that a process that resumes it needs to know, as JSON of at most 64 KiB. No secrets. */
  readonly input: unknown;
  /** From `newOperationId`, where others have to know it before it is written. */
  readonly id?: string;
}

export function newOperationId(): string {
  return ulid().toLowerCase(); // keys have no upper case
}

const INPUT_BYTES = 64 * 1024;
const START_SECONDS = 60;

/** Writes a new operation down and owns it. @throws `invalid` (its input is too large), and what the store throws. */
export async function startOperation(deps: OperationDeps, request: OperationRequest): Promise<OperationRun> {
  const { clock, identity, signal } = deps;
  const { id = newOperationId() } = request;
  const bytes = Buffer.byteLength(JSON.stringify(request.input ?? null));
  if (bytes > INPUT_BYTES)
    throw new ProviderError(
      'invalid',
      `the input of ${request.kind} ${request.subject} has ${bytes} bytes, more than ${INPUT_BYTES}`,
    );
  const now = clock.now().toISOString();
  const document: OperationDocument = {
    schema: 1,
    id,
    kind: request.kind,
    subject: request.subject,
    input: request.input ?? null,
    state: 'running',
    epoch: 1,
    owner: identity,
    heartbeat: 0,
    createdAt: now,
    updatedAt: now,
    steps: [],
  };
  const doing = `start to ${request.kind} ${request.subject}`;
  const stored = await withCall({ clock, signal, operation: id, doing, deadlineSeconds: START_SECONDS }, (call) =>
    documentsIn(deps.store, clock).operations.create(id, document, call),
  );
  return new OperationRun(deps, stored, 'started');
}

/**
 * Takes an operation over that has no living owner: at once when its process is provably gone, else after a full term without a heartbeat.
 * @throws `conflict`: it has ended, or the message names its owner; `not-found`.
 */
export async function resumeOperation(deps: OperationDeps, id: string): Promise<OperationRun> {
  return new OperationRun(deps, await takeOver(ownershipOf(deps), id), 'resumed');
}

/**
 * Waits for an operation of another process. `free`: it has no living owner, so resume it.
 * @param tell - Gets each state of it that was seen.
 */
export async function attachToOperation(
  deps: OperationDeps,
  id: string,
  tell?: (document: OperationDocument) => void,
): Promise<{ readonly document: OperationDocument; readonly ownership: 'ended' | 'free' }> {
  let attached = false;
  return followOperation(ownershipOf(deps), id, (document) => {
    if (!attached)
      deps.emit({
        type: 'operation',
        operation: id,
        kind: document.kind,
        subject: document.subject,
        state: 'attached',
      });
    attached = true;
    tell?.(document);
  });
}

/** An operation in the hand of the process that owns it. End it with one of `finish`, `fail`, `interrupt`, `abort`. */
export class OperationRun {
  readonly id: string;
  readonly epoch: number;
  /** Aborted by a person, or because another process took the operation over. */
  readonly signal: AbortSignal;
  private readonly journal: Journal;
  private readonly superseded = new AbortController();
  private readonly ended = new AbortController();
  /** Not written yet. */
  private notes: Change[] = [];

  constructor(
    private readonly deps: OperationDeps,
    stored: Stored<OperationDocument>,
    how: 'started' | 'resumed',
  ) {
    this.id = stored.id;
    this.epoch = stored.document.epoch;
    this.signal = AbortSignal.any([deps.signal, this.superseded.signal]);
    this.journal = new Journal(documentsIn(deps.store, deps.clock).operations, deps.clock, stored, (error) => {
      this.superseded.abort(error);
      this.ended.abort();
      this.tell('superseded');
    });
    this.tell(how);
    void this.beat();
  }

  get document(): OperationDocument {
    return this.journal.document;
  }

  /** Writes steps down that are to come, so that `op show` can tell them. */
  plan(steps: readonly Pick<Step<unknown>, 'id' | 'title'>[]): Promise<void> {
    return planSteps(this.journal, steps);
  }

  /**
   * Tells how far it is, without waiting for the journal: that is written with the next step, heartbeat or the end. For work whose own
   * documents tell a process that resumes it what to do.
   */
  note(id: string, title: string, state: 'started' | 'done' | 'failed'): void {
    this.deps.emit({ type: 'step', operation: this.id, step: id, title, state });
    const at = this.deps.clock.now().toISOString();
    this.notes.push(
      withStep(id, (known) => ({
        id,
        title,
        token: known?.token ?? deriveToken(this.id, id),
        startedAt: known?.startedAt ?? at,
        state: state === 'started' ? 'intended' : state,
        ...(state !== 'started' && { endedAt: at }),
      })),
    );
  }

  /** Runs a step, or gives the result that it had before. @throws What the step throws; `cancelled`; `superseded`. */
  async step<T>(step: Step<T>): Promise<T> {
    this.checkOpen(step.title);
    return runStep(this.partsWith(this.signal), step);
  }

  /** Runs each as soon as all that it comes `after` is done. @returns Their results in their order. */
  async stepsInParallel<T>(steps: readonly Step<T>[]): Promise<readonly T[]> {
    await this.plan(steps);
    return inWaves(steps, this.signal, (step, signal) => {
      this.checkOpen(step.title);
      return runStep(this.partsWith(signal), step);
    });
  }

  /** Takes back what the step of this id did, if it did anything. */
  async undo(step: Omit<Step<unknown>, 'result' | 'after'>): Promise<void> {
    this.checkOpen(step.title);
    await undoStep(this.partsWith(this.signal), step);
  }

  /** @param result - What is told of it later, as JSON. */
  async finish(result?: unknown): Promise<void> {
    await this.end('done', result === undefined ? {} : { result });
  }

  async fail(error: unknown): Promise<void> {
    await this.end('failed', { error: errorRecord(error) });
  }

  /** Leaves it to be resumed by anybody. */
  async interrupt(): Promise<void> {
    await this.end('interrupted', {});
  }

  /** Gives it up for good. What its steps did is undone before, or stays. */
  async abort(): Promise<void> {
    await this.end('aborted', {});
  }

  /**
   * Runs `work` and ends the operation as that ends: done, failed, or interrupted when a person aborted.
   * @throws What `work` throws. After `superseded` nothing is written.
   */
  async conclude<T>(work: () => Promise<T>): Promise<T> {
    let result: T;
    try {
      result = await work();
    } catch (error) {
      await this.endAfter(error);
      throw error;
    }
    await this.finish();
    return result;
  }

  private async endAfter(error: unknown): Promise<void> {
    if (this.superseded.signal.aborted) return;
    try {
      await (this.deps.signal.aborted ? this.interrupt() : this.fail(error));
    } catch (unwritten) {
      // What went wrong first is what is to be told; whoever comes next finds the operation without an owner.
      this.deps.emit({
        type: 'warning',
        message: `operation ${this.id} could not be written down: ${errorRecord(unwritten).message}`,
      });
    } finally {
      this.ended.abort();
    }
  }

  private async end(
    state: 'done' | 'failed' | 'interrupted' | 'aborted',
    more: Pick<OperationDocument, 'result' | 'error'>,
  ): Promise<void> {
    const endedAt = this.deps.clock.now().toISOString();
    try {
      const notes = this.notes.splice(0);
      await this.journal.write((document) => ({
        ...notes.reduce((current, note) => note(current), document),
        ...more,
        state,
        ...(state !== 'interrupted' && { endedAt }),
      }));
    } finally {
      this.ended.abort();
    }
    this.tell(state);
  }

  /** Shows that this process lives, for as long as the operation is in its hand. */
  private async beat(): Promise<void> {
    const { clock, timing = OWNERSHIP, emit } = this.deps;
    while (!this.hasEnded()) {
      const before = this.document.heartbeat;
      await clock.sleep(timing.heartbeatSeconds, this.ended.signal).catch(() => {}); // the loop's condition tells
      if (this.hasEnded() || this.document.heartbeat !== before) continue;
      const notes = this.notes.splice(0);
      await this.journal
        .write((document) => notes.reduce((current, note) => note(current), document))
        .catch((error: unknown) => {
          if (this.hasEnded()) return;
          emit({
            type: 'log',
            level: 'warn',
            message: `operation ${this.id}: its heartbeat was not written: ${errorRecord(error).message}`,
          });
        });
    }
  }

  private hasEnded(): boolean {
    return this.ended.signal.aborted;
  }

  private checkOpen(doing: string): void {
    throwIfAborted(this.signal, doing);
    if (this.ended.signal.aborted)
      throw new ProviderError('internal', `${doing}: operation ${this.id} has ended`, { effect: 'none' });
  }

  private partsWith(signal: AbortSignal) {
    return { journal: this.journal, clock: this.deps.clock, signal, emit: this.deps.emit };
  }

  private tell(state: Extract<EngineEvent, { readonly type: 'operation' }>['state']): void {
    const { kind, subject } = this.document;
    this.deps.emit({ type: 'operation', operation: this.id, kind, subject, state });
  }
}

function ownershipOf(deps: OperationDeps): OwnershipParts {
  const { clock, identity, signal, timing, liveness } = deps;
  return {
    operations: documentsIn(deps.store, clock).operations,
    clock,
    identity,
    signal,
    ...(timing && { timing }),
    ...(liveness && { liveness }),
  };
}
