import { ProviderError } from '@clusternator/core';
import { environmentArg } from '../../flags.ts';
import { openInBrowser } from '../../open-url.ts';
import { ProjectCommand } from '../../project-command.ts';

export default class EnvOpen extends ProjectCommand<typeof EnvOpen> {
  static override summary = 'Open an environment in the browser; without a terminal, print its URL.';
  static override examples = ['<%= config.bin %> env open HEAD'];
  static override args = { environment: environmentArg };

  async run(): Promise<{ url: string }> {
    const project = await this.project;
    const { id, url } = await project.environment(this.args.environment);
    if (url === undefined) {
      throw new ProviderError('not-found', `environment ${id} has no URL`, {
        hint: 'only a service with a route, or a site, has one',
      });
    }
    this.say(url);
    if (process.stdout.isTTY && !this.jsonEnabled()) await openInBrowser(url);
    return { url };
  }
}
