import { BlockList, isIP } from 'node:net';
import type { Server } from 'node:net';
import { ProviderError } from '@clusternator/core/provider';
import { portOwner } from './port-owner.ts';

/** One port that must be free, or the first free one from `from` to `to`. */
export type PortChoice = { readonly port: number } | { readonly from: number; readonly to: number };

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** @throws ProviderError `invalid`: what runs here is for this machine only. */
export function assertLoopback(address: string): void {
  const family = isIP(address);
  if (family !== 0 && LOOPBACK.check(address, family === 4 ? 'ipv4' : 'ipv6')) return;
  throw new ProviderError('invalid', `${address} is not a loopback address; only those are listened on`, {
    path: 'address',
  });
}

/** Tries the ports in turn. `bind` resolves false for a port that is taken. @throws ProviderError `conflict` naming port and process. */
export async function firstFree(
  choice: PortChoice,
  what: string,
  bind: (port: number) => Promise<boolean>,
): Promise<number> {
  const { from, to } = 'port' in choice ? { from: choice.port, to: choice.port } : choice;
  for (let port = from; port <= to; port++) if (await bind(port)) return port;
  if (from !== to) {
    throw new ProviderError('conflict', `no port from ${String(from)} to ${String(to)} is free for ${what}`, {
      hint: 'stop what listens there, or choose other ports',
      effect: 'none',
    });
  }
  const owner = await portOwner(from);
  throw new ProviderError(
    'conflict',
    `port ${String(from)} for ${what} is taken${owner === undefined ? '' : ` by ${owner}`}`,
    {
      hint: 'stop what listens there, or choose another port',
      effect: 'none',
    },
  );
}

/** What came of listening. `absent`: this machine has no such address. */
export async function tryListen(
  server: Server,
  port: number,
  address: string,
): Promise<'listening' | 'taken' | 'absent'> {
  assertLoopback(address);
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => {
      server.off('listening', onListening);
      if (error.code === 'EADDRINUSE') resolve('taken');
      else if (error.code === 'EADDRNOTAVAIL' || error.code === 'EAFNOSUPPORT') resolve('absent');
      else if (error.code === 'EACCES') reject(denied(port, error));
      else reject(error);
    };
    const onListening = (): void => {
      server.off('error', onError);
      resolve('listening');
    };
    server.once('error', onError);
    server.once('listening', onListening);
    server.listen({ port, host: address, exclusive: true });
  });
}

function denied(port: number, cause: Error): ProviderError {
  return new ProviderError('denied', `this user may not listen on port ${String(port)}`, {
    hint: 'choose a port above 1023',
    effect: 'none',
    cause,
  });
}
