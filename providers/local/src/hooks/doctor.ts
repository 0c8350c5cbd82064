import { findDaemon } from '../client/launch.ts';
import { openLocalPaths } from '../control/paths.ts';

/** What `clusternator doctor` tells: the shape is the CLI's. */
interface Check {
  readonly name: string;
  readonly state: 'ok' | 'warn' | 'fail';
  readonly message: string;
  readonly hint?: string;
}
interface DoctorOptions {
  readonly stateFolder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const LONG_MS = 6000;

/** Looks at the daemon and starts none: the first command that needs one does. */
export default async function doctor({ stateFolder, env }: DoctorOptions): Promise<Check[]> {
  const paths = openLocalPaths(stateFolder, env);
  try {
    const status = await findDaemon(paths, AbortSignal.timeout(LONG_MS));
    if (!status)
      return [{ name: 'daemon', state: 'ok', message: 'no daemon runs; the first command that needs it starts it' }];
    const ports = `proxy on port ${status.proxyPort}, DNS on port ${status.dnsPort}`;
    return [{ name: 'daemon', state: 'ok', message: `pid ${status.pid}, version ${status.version}, ${ports}` }];
  } catch (error) {
    const message = `the daemon does not answer: ${error instanceof Error ? error.message : String(error)}`;
    return [
      {
        name: 'daemon',
        state: 'fail',
        message,
        hint: `clusternator daemon stop, then try again; its log is ${paths.log}`,
      },
    ];
  }
}
