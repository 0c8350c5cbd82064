import { ProviderError } from '@clusternator/core';
import { Flags } from '@oclif/core';
import { writeFile } from 'node:fs/promises';
import { BaseCommand } from '../base-command.ts';
import { DEFAULT_PROVIDER } from '../defaults.ts';
import { directoryOf } from '../directory.ts';
import { chooseParts } from '../init/choose.ts';
import { composeConfig, configFile } from '../init/compose.ts';
import { configFilesIn, detect, projectNameOf } from '../init/detect.ts';
import { nameOf, type Part } from '../init/part.ts';
import { topOfRepository, validated } from '../init/repository.ts';

export default class Init extends BaseCommand<typeof Init> {
  static override summary = 'Look at the repository, and write a config that works for it.';
  static override description =
    'It finds Dockerfiles, start scripts and static sites, and asks in a terminal which to deploy.';
  static override examples = ['<%= config.bin %> init', '<%= config.bin %> init --yes --name shop'];
  static override flags = {
    name: Flags.string({
      summary: "The project's name; else that of package.json or of the folder.",
      helpValue: '<name>',
    }),
    provider: Flags.string({ summary: 'Where it runs.', default: DEFAULT_PROVIDER, helpValue: '<id>' }),
    yes: Flags.boolean({ char: 'y', summary: 'Ask nothing: deploy all that is found.' }),
    force: Flags.boolean({ summary: 'Write over a config that is there.' }),
  };

  async run(): Promise<{ file: string; project: string; parts: readonly Part[]; next: string[] }> {
    const { name, provider, yes, force } = this.flags;
    const { root, isRepository } = await topOfRepository(directoryOf(this.flags.cwd));
    const [existing] = await configFilesIn(root);
    if (existing !== undefined && !force) {
      throw new ProviderError('invalid', `there is a config already: ${existing}`, {
        path: '--force',
        hint: 'to write a new one over it, add --force',
      });
    }
    const found = await detect(root);
    const asks = !yes && process.stdin.isTTY && process.stderr.isTTY && !this.jsonEnabled();
    const plan = {
      project: name === undefined ? await projectNameOf(root) : nameOf(name, name),
      provider,
      parts: found,
    };
    const { project, parts } = asks ? await chooseParts(plan) : plan;
    if (parts.length === 0) {
      throw new ProviderError('not-found', `nothing to deploy was found in ${root}`, {
        hint: 'it looks for a Dockerfile, a start script in package.json, and an index.html; write the config by hand, see: clusternator config schema',
      });
    }
    const text = composeConfig({ project, provider, parts });
    await validated(text, process.env);
    const file = configFile(root);
    await writeFile(file, text, { flag: existing !== undefined && force ? 'w' : 'wx' });
    this.note(`Wrote ${file}:`, '', text);
    const next = [
      ...(isRepository ? [] : ['git init']),
      'git add clusternator.config.yaml',
      'git commit -m "Deploy with Clusternator"',
      `${this.config.bin} env create`,
    ];
    this.note(
      'The config is read from the commit that is deployed, so commit it first:',
      ...next.map((line) => `  ${line}`),
    );
    return { file, project, parts, next };
  }
}
