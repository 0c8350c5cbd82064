import type { Project } from '@clusternator/core';
import { Exit } from '../../errors.ts';
import { printable } from '../../output/text.ts';
import { ProjectCommand } from '../../project-command.ts';

type Problems = Awaited<ReturnType<Project['validate']>>;

export default class ConfigValidate extends ProjectCommand<typeof ConfigValidate> {
  static override summary = "Check the work tree's config, also against what its provider can do. Makes nothing.";
  static override examples = [
    '<%= config.bin %> config validate',
    '<%= config.bin %> config validate --provider aws --json',
  ];

  async run(): Promise<{ valid: boolean; file: string; problems: Problems }> {
    const project = await this.project;
    const { file } = await project.config();
    const problems = await project.validate();
    const valid = problems.length === 0;
    if (valid) this.note(`${file} is valid.`);
    for (const { path, message, capability } of problems) {
      this.say(printable(`${path}: ${message}${capability ? ` (capability ${capability})` : ''}`));
    }
    // What the schema refuses is wrong; what the provider alone can't do is a rule of its.
    if (!valid) this.endWith(problems.every((one) => one.capability) ? Exit.refused : Exit.usage);
    return { valid, file, problems };
  }
}
