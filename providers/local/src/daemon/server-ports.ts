import { stateFolderOf } from '../control/paths.ts';

/** A server's port: what its variable says, or what it was before, or a free one of its range. */
export interface PortSource {
  readonly setting: string;
  readonly variable: string;
  readonly range: { readonly from: number; readonly to: number };
}

const RANGE = 20;
const SPREAD = 1900;

/**
 * Where a daemon listens. The one of a user's usual state folder takes ports that are easy to know again; those of other folders are spread
 * out, so that one that was killed finds its port free when it comes back.
 */
export function serverPorts(
  stateFolder: string,
  home: string,
  env: Readonly<Record<string, string | undefined>>,
): { readonly proxy: PortSource; readonly dns: PortSource } {
  const { CLUSTERNATOR_STATE_HOME: _, ...rest } = env;
  const isUsual = stateFolderOf(rest) === stateFolder;
  const place = Number.parseInt(home.slice(0, 8), 16) % SPREAD;
  const rangeAt = (from: number): PortSource['range'] => ({ from, to: from + RANGE - 1 });
  return {
    proxy: {
      setting: 'proxy port',
      variable: 'CLUSTERNATOR_LOCAL_PORT',
      range: rangeAt(isUsual ? 7410 : 14_000 + place),
    },
    dns: {
      setting: 'dns port',
      variable: 'CLUSTERNATOR_LOCAL_DNS_PORT',
      range: rangeAt(isUsual ? 7430 : 16_000 + place),
    },
  };
}
