import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';

/** Where state is kept, unless a flag says otherwise. XDG's rule: a relative XDG_STATE_HOME does not count. */
export function stateHome(env: Readonly<Record<string, string | undefined>>, flag?: string): string {
  const chosen = flag ?? env.CLUSTERNATOR_STATE_HOME;
  if (chosen) return resolve(chosen);
  const xdg = env.XDG_STATE_HOME;
  return xdg && isAbsolute(xdg) ? join(xdg, 'clusternator') : join(homedir(), '.local', 'state', 'clusternator');
}
