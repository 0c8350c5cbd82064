import { ProjectCommand } from '../../project-command.ts';
import type { Project } from '@clusternator/core';

type Config = Awaited<ReturnType<Project['config']>>;

export default class ConfigShow extends ProjectCommand<typeof ConfigShow> {
  static override summary = 'Print the config of the work tree with all defaults, as JSON.';
  static override description =
    'Environments are made from the config in their commit: what is not committed counts here alone.';
  static override examples = [
    '<%= config.bin %> config show',
    '<%= config.bin %> config show --set services.api.memory=1Gi',
  ];

  async run(): Promise<Config> {
    const project = await this.project;
    const found = await project.config();
    this.note(`From ${found.file}`);
    this.say(JSON.stringify(found.config, null, 2));
    return found;
  }
}
