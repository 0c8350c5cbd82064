import { ProviderError, type Project } from '@clusternator/core';
import { Args, Flags } from '@oclif/core';
import { confirmed } from '../../confirm.ts';
import { environmentJson, type EnvironmentJson } from '../../environment-text.ts';
import { OperationCommand } from '../../operation-command.ts';
import { printable } from '../../output/text.ts';

export default class EnvDestroy extends OperationCommand<typeof EnvDestroy> {
  static override summary = 'Destroy environments, with all that belongs to them.';
  static override description =
    'Destroying what is gone succeeds. What a slot uses is refused (exit code 7); --force with the name of the slot takes a standby or a rejected one from it, never its head. With `logs: { keep: 30d }` in the config its logs stay for so long.';
  static override examples = [
    '<%= config.bin %> env destroy 1a2b3c4',
    '<%= config.bin %> env destroy 1a2b3c4 5d6e7f8 --yes',
    '<%= config.bin %> env destroy 1a2b3c4 --force master',
  ];
  static override args = {
    environments: Args.string({
      description: 'Environments: any unique prefix of their ids, or commits, branches or tags.',
      required: true,
      multiple: true,
      ignoreStdin: true,
    }),
  };
  static override flags = {
    yes: Flags.boolean({ char: 'y', summary: 'Do not ask. Needed without a terminal.' }),
    force: Flags.string({
      summary: "Also when it is a standby of this slot, or was rejected there: the slot's name.",
      helpValue: '<slot>',
    }),
  };

  async run(): Promise<{ environments: EnvironmentJson[] }> {
    const project = await this.project;
    // All are looked up before one is destroyed, so that a typing error in the last one destroys nothing.
    const found = await Promise.all(
      [...new Set(this.args.environments)].map((id) => project.environment(id, { live: false })),
    );
    const names = found.map((one) => `${one.id}${one.subject ? ` (${printable(one.subject)})` : ''}`);
    if (!this.flags.yes) await confirmed(`Destroy ${names.join(', ')}?`, this.jsonEnabled());
    const destroyed: EnvironmentJson[] = [];
    for (const { id } of found) {
      this.undo = `it can't be undone; to go on: ${this.config.bin} env destroy ${id}`;
      const environment = await this.#destroy(project, id);
      destroyed.push(environmentJson(environment));
      this.note(`Environment ${id} is gone.`);
      if (environment.logsUntil !== undefined)
        this.note(`Its logs stay until ${environment.logsUntil}: ${this.config.bin} env logs ${id}`);
    }
    return { environments: destroyed };
  }

  async #destroy(project: Project, id: string): Promise<Awaited<ReturnType<Project['destroy']>>['environment']> {
    const { force } = this.flags;
    const result = await project.destroy(id, force === undefined ? {} : { force });
    if (result.environment.phase !== 'gone') {
      throw new ProviderError('internal', `environment ${id} was destroyed, but is ${result.environment.phase}`);
    }
    this.operation = result.operation;
    return result.environment;
  }
}
