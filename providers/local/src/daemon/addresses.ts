import { createServer } from 'node:net';
import { ProviderError } from '@clusternator/core/provider';

/** The size of 127.64.0.0/10, whose addresses are this machine's own on Linux without any set-up. */
const SIZE = 2 ** 22;
const TRIES = 256;

/**
 * An address that no environment has, and where nothing listens on these ports. Addresses of one state folder follow each other from a
 * place of its own, so that daemons of several users rarely try the same one.
 * @throws ProviderError `quota` (none is free).
 */
export async function allocateAddress(
  home: string,
  taken: ReadonlySet<string>,
  ports: readonly number[],
): Promise<string> {
  const start = Number.parseInt(home.slice(0, 8), 16);
  for (let offset = 0, tries = 0; offset < SIZE && tries < TRIES; offset++) {
    const address = addressAt((start + offset) % SIZE);
    if (taken.has(address) || /\.(?:0|255)$/.test(address)) continue;
    tries++;
    const busy = await Promise.all(ports.map((port) => isTaken(address, port)));
    if (!busy.includes(true) || tries === TRIES) return address;
  }
  throw new ProviderError('quota', 'no loopback address is free in 127.64.0.0/10', {
    hint: 'destroy environments that are no longer used',
  });
}

function addressAt(index: number): string {
  return `127.${String(64 + (index >> 16))}.${String((index >> 8) & 255)}.${String(index & 255)}`;
}

/** True when a program listens there, and nowhere more: one that listens on every address blocks all of ours alike. */
async function isTaken(address: string, port: number): Promise<boolean> {
  const here = await canListen(address, port);
  if (here) return false;
  return canListen('127.64.0.0', port);
}

/** Whether a server could listen there now. */
export function canListen(address: string, port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const server = createServer();
  server.once('error', () => {
    resolve(false);
  });
  server.listen({ host: address, port, exclusive: true }, () => {
    server.close(() => {
      resolve(true);
    });
  });
  return promise;
}

/** Below the range from which Linux takes the ports of outgoing connections, so that none of those gets in the way.
 *  @see https://docs.kernel.org/networking/ip-sysctl.html (ip_local_port_range: 32768 to 60999) */
const FIRST_PORT = 20_000;
const LAST_PORT = 32_000;

/** A port that is free on every address. @throws ProviderError `quota`. */
export async function freePort(isReserved: (port: number) => boolean): Promise<number> {
  for (let tries = 0; tries < 500; tries++) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT));
    if (!isReserved(port) && (await canListen('0.0.0.0', port))) return port;
  }
  throw new ProviderError('quota', `no port is free between ${String(FIRST_PORT)} and ${String(LAST_PORT)}`, {
    hint: 'stop programs that listen there',
  });
}
