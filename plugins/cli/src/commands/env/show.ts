import { environmentJson, environmentLines, type EnvironmentJson } from '../../environment-text.ts';
import { environmentArg } from '../../flags.ts';
import { ProjectCommand } from '../../project-command.ts';

export default class EnvShow extends ProjectCommand<typeof EnvShow> {
  static override summary = 'Show one environment: its parts, their state, and where it answers.';
  static override examples = ['<%= config.bin %> env show 1a2b3c4', '<%= config.bin %> env show HEAD --json'];
  static override args = { environment: environmentArg };

  async run(): Promise<{ environment: EnvironmentJson }> {
    const project = await this.project;
    const view = await project.environment(this.args.environment);
    this.say(...environmentLines(view, Date.now()));
    return { environment: environmentJson(view) };
  }
}
