import { ProviderError, type EngineEvent } from '@clusternator/core';
import type { Command } from '@oclif/core';
import { join } from 'node:path';
import { goOnInBackground } from './background.ts';
import { Exit } from './errors.ts';
import type { Failure } from './failure.ts';
import { ProjectCommand } from './project-command.ts';

/** When a command stops waiting, and leaves its operation to a process of its own. */
export interface Patience {
  /** As soon as the operation is written down. */
  readonly none: boolean;
  readonly seconds?: number;
  /** Flags that the operation needs again, such as `--env-file`. */
  readonly flags: readonly string[];
}

/** A command that runs an operation, which may outlive it. */
export abstract class OperationCommand<C extends typeof Command> extends ProjectCommand<C> {
  /** How to get rid of what the operation made so far, where something undoes it. */
  protected undo: string | undefined;
  /** What the operation is about. */
  protected subject: string | undefined;
  /** What the operation said last that it waits for. */
  protected waitsFor: string | undefined;
  #handover = new AbortController();
  #patience: Patience | undefined;
  #isSomebodyElses = false;

  /**
   * Waits for an operation as long as it has patience; then the engine is asked to stop where it is, which it writes down, and another
   * process resumes it.
   * @returns Undefined: it goes on in the background.
   */
  protected async withPatience<T>(patience: Patience, work: () => Promise<T>): Promise<T | undefined> {
    this.#patience = patience;
    const { seconds } = patience;
    const timer = seconds === undefined ? undefined : setTimeout(() => this.#handOver(), seconds * 1000);
    try {
      return await work();
    } catch (error) {
      const isHandedOver = this.#handover.signal.aborted && !this.interruption.received();
      if (!isHandedOver || this.context.operationFailed) throw error;
      if (this.operation === undefined) throw tooSlow(seconds, error);
      await this.goOn(patience.flags);
      return undefined;
    } finally {
      clearTimeout(timer);
    }
  }

  protected override get engineSignal(): AbortSignal {
    return AbortSignal.any([this.interruption.signal, this.#handover.signal]);
  }

  protected override follow(event: EngineEvent): void {
    // A step that stops because another process goes on with it has not failed.
    const goesOn = this.#handover.signal.aborted && event.type === 'step' && event.state === 'failed';
    if (!goesOn) super.follow(event);
    if (event.type === 'operation') {
      this.subject = event.subject;
      this.#isSomebodyElses = event.state === 'attached';
    }
    if (event.type === 'progress') this.waitsFor = event.message;
    const isWrittenDown = event.type === 'step' || (event.type === 'operation' && event.state === 'attached');
    if (isWrittenDown && this.#patience?.none) this.#handOver();
  }

  protected override async aftermath(failure: Failure): Promise<readonly string[]> {
    const { bin } = this.config;
    const { operation } = this;
    if (operation === undefined) return [];
    if (failure.exit === Exit.timedOut)
      return [`Operation ${operation} goes on. How far it is: ${bin} op show ${operation}`];
    const undo = this.undo ?? `${bin} op abort ${operation}`;
    if (failure.exit === Exit.interrupted) {
      return [
        `Operation ${operation} is written down.`,
        `  To go on: ${bin} op resume ${operation}`,
        `  To undo:  ${undo}`,
      ];
    }
    return [`What was done is in: ${bin} op show ${operation}`];
  }

  #handOver(): void {
    this.#handover.abort(new DOMException('goes on in the background', 'AbortError'));
  }

  /** Leaves the operation to a process of its own. @param flags - That it needs again, such as `--env-file`. */
  protected async goOn(flags: readonly string[]): Promise<void> {
    const { operation } = this;
    await this.closeProject();
    // The project is opened again to see how things are.
    this.#handover = new AbortController();
    this.#patience = undefined;
    this.context = { ...this.context, goesOn: true };
    if (operation === undefined || this.#isSomebodyElses) return;
    const log = await goOnInBackground({
      entry: join(this.config.root, 'bin', 'run.js'),
      operation,
      stateFolder: this.stateFolder,
      directory: this.directory,
      flags: [...this.projectFlags(), ...flags],
      env: process.env,
    });
    this.note(`It goes on in the background (${log}).`);
  }
}

function tooSlow(seconds: number | undefined, cause: unknown): ProviderError {
  return new ProviderError('timeout', `nothing was begun within ${String(seconds ?? 0)} s`, { effect: 'none', cause });
}
