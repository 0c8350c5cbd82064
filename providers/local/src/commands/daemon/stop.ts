import { askToStop, findDaemon, hasEnded } from '../../client/launch.ts';
import { DaemonCommand } from '../../daemon-command.ts';

interface StopResult {
  readonly stopped: boolean;
  readonly pid?: number;
}

export default class DaemonStop extends DaemonCommand {
  static override summary = 'Stop the background process of the local provider.';
  static override description =
    'Environments stay: their processes end, and come back when the next command starts the daemon again. Containers go on, but the proxy and DNS do not.';
  static override examples = ['<%= config.bin %> daemon stop'];

  async run(): Promise<StopResult> {
    const { flags } = await this.parse(DaemonStop);
    const paths = this.paths(flags['state-home']);
    const signal = AbortSignal.timeout(60_000);
    const status = await findDaemon(paths, signal);
    if (!status) {
      this.log('No daemon runs.');
      return { stopped: false };
    }
    const { environments, pid, processes } = status;
    this.log(
      `Stopping the daemon (pid ${String(pid)}): ${String(processes)} processes of ${String(environments)} environments end until the next command; containers go on.`,
    );
    await askToStop(paths, signal);
    await hasEnded(paths, signal);
    this.log('Stopped.');
    return { stopped: true, pid };
  }
}
