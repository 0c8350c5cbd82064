import { ProviderError, type OperationView } from '@clusternator/core';
import { rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { backgroundLog } from '../../background.ts';
import { readEnvFiles } from '../../env-file.ts';
import { durationFlag, envFileFlag, operationArg } from '../../flags.ts';
import { OperationCommand } from '../../operation-command.ts';
import { operationLines } from '../../operation-text.ts';

const LOOK_AGAIN_MS = 250;

export default class OpResume extends OperationCommand<typeof OpResume> {
  static override summary = 'Go on with an operation that was interrupted, where it stopped.';
  static override examples = ['<%= config.bin %> op resume 01JQ'];
  static override args = { operation: operationArg };
  static override flags = {
    'env-file': envFileFlag,
    takeover: durationFlag({ summary: 'Wait so long for its present owner to let go.', hidden: true }),
  };
  #secrets: Readonly<Record<string, string>> = {};

  async run(): Promise<{ operation: OperationView }> {
    this.#secrets = await readEnvFiles((this.flags['env-file'] ?? []).map((file) => resolve(this.directory, file)));
    const project = await this.project;
    const { id } = await project.operation(this.args.operation);
    this.operation = id;
    const operation = await this.#resume(id);
    // Only what went wrong is worth keeping.
    if (this.flags.takeover !== undefined) await rm(backgroundLog(this.stateFolder, id), { force: true });
    this.say(...operationLines(operation, this.config.bin));
    return { operation };
  }

  protected override environmentVariables(): Readonly<Record<string, string | undefined>> {
    return { ...process.env, ...this.#secrets };
  }

  /** The process that handed the operation over may need a moment to end. */
  async #resume(id: string): Promise<OperationView> {
    const deadline = Date.now() + (this.flags.takeover ?? 0) * 1000;
    for (;;) {
      try {
        return await (await this.project).resume(id);
      } catch (error) {
        if (!ProviderError.is(error) || error.code !== 'conflict' || Date.now() >= deadline) throw error;
        await sleep(LOOK_AGAIN_MS, undefined, { signal: this.interruption.signal });
      }
    }
  }
}
