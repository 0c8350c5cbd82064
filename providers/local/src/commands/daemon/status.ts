import type { DaemonStatus } from '../../control/views.ts';
import { findDaemon } from '../../client/launch.ts';
import { DaemonCommand } from '../../daemon-command.ts';

type StatusResult = { readonly running: false } | (DaemonStatus & { readonly running: true; readonly log: string });

export default class DaemonStatusCommand extends DaemonCommand {
  static override summary = 'Show whether the background process of the local provider runs, and where it listens.';
  static override examples = ['<%= config.bin %> daemon status', '<%= config.bin %> daemon status --json'];

  async run(): Promise<StatusResult> {
    const { flags } = await this.parse(DaemonStatusCommand);
    const paths = this.paths(flags['state-home']);
    const status = await findDaemon(paths, AbortSignal.timeout(10_000));
    if (!status) {
      this.log('No daemon runs. The next command that needs one starts it.');
      return { running: false };
    }
    this.log(`running       pid ${String(status.pid)}, version ${status.version}, since ${status.startedAt}`);
    this.log(`proxy         http://localhost:${String(status.proxyPort)}`);
    this.log(`dns           127.0.0.1:${String(status.dnsPort)}`);
    this.log(`environments  ${String(status.environments)}, with ${String(status.processes)} processes`);
    this.log(`memory        ${String(status.residentMiB)} MiB`);
    this.log(`log           ${paths.log}`);
    return { running: true, ...status, log: paths.log };
  }
}
