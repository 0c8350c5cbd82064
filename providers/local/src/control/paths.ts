import { createHash } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync, realpathSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { ProviderError } from '@clusternator/core/provider';
import { messageOf } from './failure.ts';

/** Where the daemon of one state folder keeps its things. All are absolute. */
export interface LocalPaths {
  /** `<state>/local`, mode 0700. */
  readonly folder: string;
  readonly database: string;
  /** Its lock is held by the daemon that runs. */
  readonly lock: string;
  /** Its lock is held by the command that is about to start a daemon. */
  readonly startLock: string;
  /** Seals the secrets in the database. */
  readonly key: string;
  readonly log: string;
  /** What the running daemon says of itself: its socket above all. */
  readonly info: string;
  readonly environments: string;
  readonly volumes: string;
  readonly snapshots: string;
  /** Of the control socket. */
  readonly socket: string;
  /** Tells this state folder's processes and containers from those of another: 12 hex. */
  readonly home: string;
}

/** The shortest limit of any system's `sun_path` is 104 bytes, with the final zero. @see https://man.freebsd.org/cgi/man.cgi?unix(4) */
const LONGEST_SOCKET_PATH = 100;

/** The state folder that the environment names, by the rules that the whole product has. */
export function stateFolderOf(env: Readonly<Record<string, string | undefined>>): string {
  if (env.CLUSTERNATOR_STATE_HOME) return path.resolve(env.CLUSTERNATOR_STATE_HOME);
  const home = env.HOME ?? userInfo().homedir;
  return path.join(env.XDG_STATE_HOME ?? path.join(home, '.local', 'state'), 'clusternator');
}

/**
 * Makes the folders, so that only this user can look into them.
 * @throws ProviderError `denied` (read-only, or another user's).
 */
export function openLocalPaths(
  stateFolder: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): LocalPaths {
  const folder = path.join(stateFolder, 'local');
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    assertOurs(folder);
  } catch (cause) {
    if (ProviderError.is(cause)) throw cause;
    throw new ProviderError('denied', `can't use the state folder ${stateFolder}: ${messageOf(cause)}`, {
      cause,
      hint: 'make it writable, or name another one in CLUSTERNATOR_STATE_HOME',
    });
  }
  const real = realpathSync(folder);
  const home = createHash('sha256').update(real).digest('hex').slice(0, 12);
  return {
    folder: real,
    database: path.join(real, 'local.db'),
    lock: path.join(real, 'daemon.lock'),
    startLock: path.join(real, 'start.lock'),
    key: path.join(real, 'secrets.key'),
    log: path.join(real, 'daemon.log'),
    info: path.join(real, 'daemon.json'),
    environments: path.join(real, 'environments'),
    volumes: path.join(real, 'volumes'),
    snapshots: path.join(real, 'snapshots'),
    socket: socketPath(real, home, env),
    home,
  };
}

/** In the state folder or, where that makes too long a path, in a short folder that is this user's alone. */
function socketPath(folder: string, home: string, env: Readonly<Record<string, string | undefined>>): string {
  const plain = path.join(folder, 'daemon.sock');
  if (Buffer.byteLength(plain) <= LONGEST_SOCKET_PATH) return plain;
  const user = String(process.getuid?.() ?? userInfo().username);
  const bases = [env.XDG_RUNTIME_DIR, tmpdir(), '/tmp'];
  for (const base of bases) {
    if (!base) continue;
    const short = path.join(base, `clusternator-${user}`, `${home}.sock`);
    if (Buffer.byteLength(short) > LONGEST_SOCKET_PATH) continue;
    try {
      mkdirSync(path.dirname(short), { recursive: true, mode: 0o700 });
      assertOurs(path.dirname(short));
      return short;
    } catch {
      // a folder that is missing, read-only or another user's: the next one
    }
  }
  throw new ProviderError('invalid', `no path for the control socket is short enough: ${plain}`, {
    hint: 'name a shorter state folder in CLUSTERNATOR_STATE_HOME',
  });
}

/** A folder that another user owns could hold another user's socket. */
function assertOurs(folder: string): void {
  const stats = lstatSync(folder);
  const uid = process.getuid?.();
  if (!stats.isDirectory() || (uid !== undefined && stats.uid !== uid)) {
    throw new ProviderError('denied', `${folder} is not a folder of this user`, {
      hint: 'remove it, or name another state folder in CLUSTERNATOR_STATE_HOME',
    });
  }
  if ((stats.mode & 0o077) !== 0) chmodSync(folder, 0o700);
}
