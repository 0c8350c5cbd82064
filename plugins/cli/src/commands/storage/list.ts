import type { VolumeView } from '@clusternator/core';
import { Flags } from '@oclif/core';
import { table } from '../../output/table.ts';
import { ProjectCommand } from '../../project-command.ts';
import { volumeColumns } from '../../storage-text.ts';

export default class StorageList extends ProjectCommand<typeof StorageList> {
  static override summary = 'List the volumes of this project.';
  static override examples = ['<%= config.bin %> storage list', '<%= config.bin %> storage list --json'];
  static override flags = { all: Flags.boolean({ summary: 'Also those that operations use for themselves.' }) };

  async run(): Promise<{ volumes: readonly VolumeView[] }> {
    const volumes = await (await this.project).storage().volumes({ all: this.flags.all });
    if (volumes.length === 0) this.note('There are no volumes. They are named in the config, under `volumes:`.');
    else this.say(...table(volumes, volumeColumns(), process.stdout.isTTY ? process.stdout.columns : undefined));
    return { volumes };
  }
}
