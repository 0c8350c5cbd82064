import type { PromoteRequest } from '@clusternator/core';
import { Flags } from '@oclif/core';
import { durationFlag, environmentArg, envFileFlag, slotArg, stagesFlag } from '../../flags.ts';
import { SlotChangeCommand, slotChangeFlags, type SlotAnswer } from '../../slot-command.ts';

export default class SlotPromote extends SlotChangeCommand<typeof SlotPromote> {
  static override summary = "Send a slot's traffic to another environment, without building it again.";
  static override description =
    'The environment is checked first, and what serves now is kept running as a standby. The last line on standard output is the URL of the slot.';
  static override aliases = ['promote'];
  static override examples = [
    '<%= config.bin %> promote 1a2b3c4 master',
    '<%= config.bin %> promote HEAD master --stages 10@5m,50@5m,100 --bake 10m',
    '<%= config.bin %> promote 1a2b3c4 master --dry-run --exit-code',
  ];
  static override args = { environment: environmentArg, slot: slotArg };
  static override flags = {
    bake: durationFlag({ summary: 'How long to watch the new head before it counts as done.' }),
    stages: stagesFlag({ summary: 'Shares of the traffic on the way to all of it, such as 10@5m,50@5m,100.' }),
    automatic: Flags.boolean({
      summary: 'For programs: wait for a turn, give way to a newer one, never go back in history nor past a pin.',
    }),
    'allow-older': Flags.boolean({
      summary: "With --automatic: also to a commit that does not descend from the head's.",
      dependsOn: ['automatic'],
    }),
    'env-file': envFileFlag,
    ...slotChangeFlags,
  };

  async run(): Promise<SlotAnswer> {
    const { wait, timeout, 'env-file': envFiles, 'dry-run': dryRun, 'exit-code': exitCode } = this.flags;
    const slots = (await this.project).slots();
    const request = await this.#request();
    if (dryRun) return this.plan(await slots.planPromotion(request), exitCode);
    return this.change(request.slot, { wait, timeout, envFiles }, () => slots.promote(request));
  }

  async #request(): Promise<PromoteRequest> {
    const { reason, bake, stages, automatic, wait, 'env-file': envFiles } = this.flags;
    const { 'allow-older': allowOlder, 'if-generation': ifGeneration } = this.flags;
    return {
      slot: this.args.slot,
      environment: this.args.environment,
      automatic,
      allowOlder,
      wait,
      ...(reason === undefined ? {} : { reason }),
      ...(ifGeneration === undefined ? {} : { ifGeneration }),
      ...(bake === undefined ? {} : { bakeSeconds: bake }),
      ...(stages === undefined ? {} : { stages }),
      ...(envFiles === undefined ? {} : { secrets: await this.secretsOf(envFiles) }),
    };
  }
}
