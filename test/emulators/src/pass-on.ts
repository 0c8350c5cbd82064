import { once } from 'node:events';
import { request as ask, type IncomingMessage } from 'node:http';

/** Sends a request on to an emulator, with the host that was asked for, which is signed. */
export async function passOn(emulator: string, request: IncomingMessage, body: Buffer): Promise<IncomingMessage> {
  const { hostname, port } = new URL(emulator);
  const { connection: _, 'transfer-encoding': __, expect: ___, ...headers } = request.headers;
  const outgoing = ask({
    ...{ hostname, port, method: request.method, path: request.url, agent: false },
    headers: { ...headers, 'content-length': body.length },
  });
  outgoing.end(body);
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]; // what the event gives
  return answer;
}
