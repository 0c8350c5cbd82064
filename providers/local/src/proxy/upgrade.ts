import http, { ServerResponse } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { Socket } from 'node:net';
import { badGateway, send, unavailable } from './answers.ts';
import type { Answer } from './answers.ts';
import type { Endpoint } from './backend.ts';
import { clientHeaders } from './headers.ts';
import { Tunnel } from './tunnel.ts';
import type { Upstream, Upstreams } from './upstreams.ts';

/** A request to leave HTTP, on its way. */
export interface UpgradeInput {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly path: string;
  /** Flat, without the Connection and Upgrade headers. */
  readonly headers: readonly string[];
  readonly backendId: string;
  readonly endpoints: readonly Endpoint[];
  /** Names the part and environment in messages. */
  readonly about: string;
}

/** HTTP/2 in clear text would smuggle requests past the routing. Everything else may upgrade, by GET and without a body. */
export function mayUpgrade(request: IncomingMessage): boolean {
  const { headers, method } = request;
  const length = headers['content-length'];
  const hasBody = headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
  const protocols = (headers.upgrade ?? '').toLowerCase().split(',');
  return method === 'GET' && !hasBody && !protocols.some((protocol) => protocol.trim().startsWith('h2c'));
}

/**
 * Asks the upstream to upgrade. Where it agrees, the tunnel is opened and returned; where it declines, its answer is
 * passed on like any other and there is none.
 */
export async function upgrade(input: UpgradeInput, upstreams: Upstreams): Promise<Tunnel | undefined> {
  const tried = new Set<Upstream>();
  for (;;) {
    const upstream = upstreams.pick(input.backendId, input.endpoints, tried);
    if (upstream === undefined) {
      const reason = tried.size === 0 ? 'none of it is running' : 'it refuses connections';
      await answerOn(input, unavailable(input.about, reason, 1));
      return undefined;
    }
    tried.add(upstream);
    const outcome = await attempt(input, upstream.endpoint);
    if (outcome === 'refused') upstreams.markDead(upstream);
    else return outcome;
  }
}

/** Sends an answer of our own to a client that asked for an upgrade. */
export async function answerOn(input: Pick<UpgradeInput, 'request' | 'socket'>, answer: Answer): Promise<void> {
  await respond(input, (response) => {
    send(response, answer);
  });
}

async function attempt(input: UpgradeInput, endpoint: Endpoint): Promise<Tunnel | 'refused' | undefined> {
  const { request, socket, path, headers } = input;
  const outgoing = http.request({
    host: endpoint.host,
    port: endpoint.port,
    method: 'GET',
    path,
    headers: [...headers, 'connection', 'Upgrade', 'upgrade', request.headers.upgrade ?? ''],
    agent: false,
  });
  const onGone = (): void => {
    outgoing.destroy();
  };
  socket.once('close', onGone);
  try {
    return await new Promise<Tunnel | 'refused' | undefined>((resolve) => {
      outgoing.on('upgrade', (answer, upstreamSocket, upstreamHead) => {
        resolve(openTunnel(input, answer, upstreamSocket, upstreamHead));
      });
      outgoing.on('response', (answer) => {
        resolve(passOn(input, answer));
      });
      outgoing.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code === 'ECONNREFUSED' || error.code === 'EHOSTUNREACH') resolve('refused');
        else if (socket.destroyed) resolve(undefined);
        else resolve(answerOn(input, badGateway(input.about, 'it closed the connection')).then(() => undefined));
      });
      outgoing.end();
    });
  } finally {
    socket.off('close', onGone);
  }
}

function openTunnel(
  input: UpgradeInput,
  answer: IncomingMessage,
  upstreamSocket: Duplex,
  upstreamHead: Buffer,
): Tunnel {
  const { socket, head } = input;
  const protocol = answer.headers.upgrade ?? '';
  const flat = [
    ...clientHeaders(answer.rawHeaders, { status: 101, trailersFollow: false }),
    'connection',
    'Upgrade',
    'upgrade',
    protocol,
  ];
  let text = 'HTTP/1.1 101 Switching Protocols\r\n';
  for (let i = 0; i < flat.length; i += 2) text += `${flat[i] ?? ''}: ${flat[i + 1] ?? ''}\r\n`;
  for (const side of [socket, upstreamSocket]) {
    if (!(side instanceof Socket)) continue;
    side.setNoDelay(true);
    side.setTimeout(0);
    side.setKeepAlive(true, 30_000);
  }
  socket.write(`${text}\r\n`, 'latin1');
  const tunnel = new Tunnel(socket, upstreamSocket, protocol.toLowerCase() === 'websocket');
  tunnel.open(head, upstreamHead);
  return tunnel;
}

/** The upstream declined: a plain answer, and the connection ends with it. */
async function passOn(input: UpgradeInput, answer: IncomingMessage): Promise<undefined> {
  await respond(input, (response) => {
    const status = answer.statusCode ?? 502;
    response.writeHead(status, [
      ...clientHeaders(answer.rawHeaders, { status, trailersFollow: false }),
      'connection',
      'close',
    ]);
    answer.on('error', () => response.destroy());
    answer.pipe(response);
  });
}

async function respond(
  { request, socket }: Pick<UpgradeInput, 'request' | 'socket'>,
  write: (response: ServerResponse) => void,
): Promise<undefined> {
  // Node takes its parser off a connection that asks for an upgrade, so the answer gets a response object of its own.
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  if (!(socket instanceof Socket)) throw new TypeError('an HTTP/1.1 connection is a socket');
  response.assignSocket(socket);
  await new Promise<void>((resolve) => {
    response.once('finish', () => {
      response.detachSocket(socket);
      socket.destroySoon();
      resolve();
    });
    socket.once('close', () => {
      resolve();
    });
    write(response);
  });
}
