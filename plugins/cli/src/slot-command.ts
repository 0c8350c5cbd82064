import { ProviderError, type EngineEvent, type PromotionPlan, type PromotionResult } from '@clusternator/core';
import { Flags, type Command } from '@oclif/core';
import { resolve } from 'node:path';
import { readEnvFiles } from './env-file.ts';
import { Exit } from './errors.ts';
import { durationFlag, reasonFlag } from './flags.ts';
import { OperationCommand } from './operation-command.ts';
import { promotedLines, promotionJson, promotionPlanLines, type PromotionJson } from './slot-text.ts';

/** What `promote` and `rollback` answer. */
export type SlotAnswer = PromotionJson | { readonly plan: PromotionPlan };

/** The flags that `promote` and `rollback` share. */
export const slotChangeFlags = {
  reason: reasonFlag,
  'if-generation': Flags.integer({
    summary: 'Only if the slot is at this generation still.',
    min: 0,
    helpValue: '<n>',
  }),
  wait: Flags.boolean({ summary: 'Wait until it is done.', default: true, allowNo: true }),
  timeout: durationFlag({ summary: 'Wait so long; then it goes on in the background (exit code 9).' }),
  'dry-run': Flags.boolean({ summary: 'Say what would be done and do nothing.' }),
  'exit-code': Flags.boolean({
    summary: 'With --dry-run: exit 10 when something would change.',
    dependsOn: ['dry-run'],
  }),
};

interface Waiting {
  readonly wait: boolean;
  readonly timeout?: number | undefined;
  /** That the operation needs again where it goes on in the background. */
  readonly envFiles?: readonly string[] | undefined;
}

/** A command that moves a slot. */
export abstract class SlotChangeCommand<C extends typeof Command> extends OperationCommand<C> {
  protected async change(slot: string, how: Waiting, work: () => Promise<PromotionResult>): Promise<PromotionJson> {
    const flags = this.files(how.envFiles).flatMap((file) => ['--env-file', file]);
    const patience = { none: false, flags, ...(how.timeout === undefined ? {} : { seconds: how.timeout }) };
    const result = await this.withPatience(patience, work);
    if (result === undefined) throw stillAtIt(slot, how.timeout);
    this.operation = result.operation;
    this.warnings.push(...result.warnings.filter((one) => !this.warnings.includes(one)));
    if (!how.wait && goesOn(result)) await this.goOn(flags);
    const { before, last } = promotedLines(result, this.config.bin);
    if (process.stdout.isTTY) this.say(...before);
    else this.note(...before);
    this.say(last);
    return promotionJson(result);
  }

  /** States that are only passed through have no title of their own, and nothing to tell. */
  protected override follow(event: EngineEvent): void {
    if (event.type === 'step' && event.title === event.step && event.state !== 'failed') return;
    super.follow(event);
  }

  protected plan(plan: PromotionPlan, exitCode: boolean): { readonly plan: PromotionPlan } {
    this.say(...promotionPlanLines(plan));
    if (exitCode && plan.changes.length > 0) this.endWith(Exit.differences);
    return { plan };
  }

  protected files(names: readonly string[] | undefined): string[] {
    return (names ?? []).map((name) => resolve(this.directory, name));
  }

  protected secretsOf(names: readonly string[] | undefined): Promise<Readonly<Record<string, string>>> {
    return readEnvFiles(this.files(names));
  }
}

/** It is written down, and not done. */
function goesOn({ operation, slot, to, existed }: PromotionResult): boolean {
  return !existed && (slot.operation?.id === operation || slot.head?.environment !== to.environment);
}

function stillAtIt(slot: string, seconds: number | undefined): ProviderError {
  const message = `slot ${slot} is not done after ${String(seconds ?? 0)} s, and goes on in the background`;
  return new ProviderError('timeout', message);
}
