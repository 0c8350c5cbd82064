import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** Passes connections on, at an address of this machine that containers reach as they do not its loopback. */
export async function listenAsRelay(
  address: string,
  port: number,
): Promise<{ readonly url: string; end(): Promise<void> }> {
  const open = new Set<Socket>();
  const server = createServer((incoming) => {
    const outgoing = connect(port, '127.0.0.1');
    for (const [one, other] of [
      [incoming, outgoing],
      [outgoing, incoming],
    ] as const) {
      open.add(one);
      one.pipe(other);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        open.delete(one);
        other.destroy();
      });
    }
  });
  server.listen(0, address);
  await once(server, 'listening');
  const { port: own } = server.address() as AddressInfo; // of a server that listens on a port
  return {
    url: `http://${address}:${String(own)}`,
    async end() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
