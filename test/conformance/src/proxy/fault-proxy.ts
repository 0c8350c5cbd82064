import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import path from 'node:path';
import type { ProxyOptions } from '../kit/harness.ts';
import { Carrier, type Reply } from './exchange.ts';
import { CloudSide, listening } from './upstream.ts';
import type { Wire, WireCall, WireTarget } from './wire.ts';

/** It listens at `front` until it is closed. */
export interface FaultProxy {
  readonly front: WireTarget;
  close(): Promise<void>;
}

const READS = new Set(['GET', 'HEAD', 'OPTIONS']);
const PREFACE = 'PRI * HTTP/2';

/**
 * A proxy before a cloud that speaks HTTP/1, HTTP/2 and gRPC on one port, in clear text, and TLS to a cloud that wants it. It numbers the
 * calls that change something and lets `wire` decide what befalls them. A request is taken whole before it is sent on, so gRPC calls whose
 * client streams are told from those that don't by never being answered; answers stream.
 */
export async function faultProxy(
  wire: Wire,
  target: WireTarget,
  folder: string,
  options: ProxyOptions = {},
): Promise<FaultProxy> {
  const cloud = new CloudSide(target);
  const carrier = new Carrier(cloud);
  const sockets = new Set<net.Socket>();
  const isMutating = options.isMutating ?? (({ method }: WireCall) => !READS.has(method));

  const take = async (seen: Omit<WireCall, 'at' | 'mutation'>, reply: Reply): Promise<void> => {
    const { call, fault } = wire.admit(seen, isMutating({ ...seen, at: -1 }));
    await carrier
      .carry(call, fault, reply)
      .catch(() => {
        reply.reset(); // the cloud broke off, or whoever asked is gone
      })
      .finally(() => {
        wire.release();
      });
  };

  // Idle connections stay: who comes back to one as it is closed would take that for a fault.
  const one = http.createServer({ requestTimeout: 0, keepAliveTimeout: 0 }, (request, response) => {
    void bodyOf(request)
      .then((body) => take({ ...lineOf(request), protocol: 'http/1', body }, replyOverHttp1(response)))
      .catch(() => {
        response.destroy();
      });
  });
  const two = http2.createServer();
  two.on('stream', (stream, headers) => {
    stream.on('error', () => {}); // whoever asked is gone
    const isGrpc = headers['content-type']?.startsWith('application/grpc') ?? false;
    void bodyOf(stream)
      .then((body) =>
        take({ ...lineOfStream(headers), protocol: isGrpc ? 'grpc' : 'http/2', body }, replyOverHttp2(stream)),
      )
      .catch(() => {
        stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR);
      });
  });

  const server = net.createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => {}); // killed clients leave so
    socket.once('data', (first: Buffer) => {
      socket.pause();
      socket.unshift(first);
      const isTwo = first.subarray(0, PREFACE.length).toString('latin1') === PREFACE;
      (isTwo ? two : one).emit('connection', socket);
      if (!isTwo) socket.resume();
    });
  });
  const isSocket = 'socket' in target;
  const file = path.join(folder, `wire-${String(process.hrtime.bigint() % 1_000_000n)}.sock`);
  await listening(server, isSocket ? { path: file } : { port: 0 });
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return {
    front: isSocket ? { socket: file } : { url: `http://127.0.0.1:${String(port)}` },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      one.closeAllConnections();
      cloud.close();
      await closed;
    },
  };
}

function lineOf({ method = 'GET', url = '/', headers }: http.IncomingMessage) {
  return { method, path: url, headers: flat(headers) };
}

function lineOfStream(headers: http2.IncomingHttpHeaders) {
  return { method: headers[':method'] ?? 'GET', path: headers[':path'] ?? '/', headers: flat(headers) };
}

function flat(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value] as const],
    ),
  );
}

async function bodyOf(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces);
}

function replyOverHttp1(response: http.ServerResponse): Reply {
  return {
    start(status, headers) {
      response.writeHead(status, headers as http.OutgoingHttpHeaders); // the cloud's own, or ours
      response.flushHeaders();
    },
    write: async (piece) => {
      if (response.destroyed) throw new Error('whoever asked is gone');
      if (!response.write(piece))
        await new Promise((resolve) => response.once('drain', resolve).once('close', resolve));
    },
    end: (trailers) =>
      new Promise((resolve) => {
        if (Object.keys(trailers).length > 0) response.addTrailers(trailers);
        response.once('close', resolve);
        response.end(resolve);
      }),
    reset: () => {
      breakOff(response.socket);
    },
  };
}

/**
 * As a machine that dies leaves it. A reset while the socket's own end is under way would keep its handle for ever, and with it the process:
 * libuv refuses it (`uv_tcp_close_reset`), and Node believes the handle closed.
 */
function breakOff(socket: net.Socket | null): void {
  socket?.pause(); // what comes in now could end it
  if (socket?.writable && socket.writableLength === 0) socket.resetAndDestroy();
  else socket?.destroy();
}

function replyOverHttp2(stream: http2.ServerHttp2Stream): Reply {
  let trailing: Readonly<Record<string, string>> = {};
  return {
    start(status, headers) {
      stream.respond({ ':status': status, ...headers }, { waitForTrailers: true });
      stream.on('wantTrailers', () => {
        stream.sendTrailers(trailing);
      });
    },
    write: async (piece) => {
      if (stream.destroyed) throw new Error('whoever asked is gone');
      if (!stream.write(piece)) await new Promise((resolve) => stream.once('drain', resolve).once('close', resolve));
    },
    end: (trailers) => {
      trailing = trailers;
      return new Promise((resolve) => {
        stream.once('close', resolve);
        stream.end(resolve);
      });
    },
    reset: () => {
      stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR);
      stream.session?.socket.destroy();
    },
  };
}
