import { createSocket } from 'node:dgram';
import type { Socket as UdpSocket } from 'node:dgram';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { ProviderError } from '@clusternator/core/provider';
import { firstFree, tryListen } from '../proxy/loopback.ts';
import type { PortChoice } from '../proxy/loopback.ts';
import { systemLookup } from './alias.ts';
import type { AddressLookup } from './alias.ts';
import { framesOf } from './framing.ts';
import { encodeError, encodeReply, parseQuery } from './message.ts';
import { resolve } from './resolve.ts';
import type { ZoneStore } from './zones.ts';

/** `lookup` finds addresses for an ALIAS whose target is not in a zone of ours. */
export interface DnsServerOptions {
  readonly store: ZoneStore;
  readonly lookup?: AddressLookup;
  readonly log?: (message: string, error?: unknown) => void;
}

/** One address, by both protocols. */
interface Listener {
  readonly address: string;
  readonly port: number;
  readonly tcp: Server;
  readonly udp: UdpSocket;
}

const MAX_CONNECTIONS = 128;
const IDLE_MS = 10_000;

/** An authoritative DNS server for the zones of a store, over UDP and TCP, on loopback only. It never recurses. */
export class DnsServer {
  private readonly lookup: AddressLookup;
  private readonly connections = new Set<Socket>();
  private listening: readonly Listener[] = [];

  constructor(private readonly options: DnsServerOptions) {
    this.lookup = options.lookup ?? systemLookup();
  }

  /**
   * Both protocols get the same port, on 127.0.0.1, and on ::1 where there is one.
   * @throws ProviderError `conflict` naming the port and, where found out, the process; `unavailable`, `denied`.
   */
  async listen(choice: PortChoice): Promise<{ readonly port: number; readonly addresses: readonly string[] }> {
    await firstFree(choice, 'the DNS server', async (port) => {
      // Port 0 is any: one that TCP gets may be taken for UDP, or on the other address.
      for (let tries = port === 0 ? 10 : 1; tries > 0; tries--) if (await this.bind(port)) return true;
      return false;
    });
    const [first] = this.listening;
    if (first === undefined) throw new ProviderError('internal', 'the DNS server has no listener');
    return { port: first.port, addresses: this.listening.map(({ address }) => address) };
  }

  async close(): Promise<void> {
    const listening = this.listening;
    this.listening = [];
    for (const connection of this.connections) connection.destroy();
    await Promise.all(listening.map(async (one) => unbind(one)));
  }

  /** @returns false when the port is taken. */
  private async bind(port: number): Promise<boolean> {
    const four = await this.bindOn(port, '127.0.0.1');
    if (four === 'absent') {
      throw new ProviderError('unavailable', 'this machine has no address 127.0.0.1', { retry: 'never' });
    }
    if (four === 'taken') return false;
    const six = await this.bindOn(four.port, '::1');
    if (six === 'taken') {
      await unbind(four);
      return false;
    }
    this.listening = six === 'absent' ? [four] : [four, six];
    return true;
  }

  private async bindOn(port: number, address: string): Promise<Listener | 'taken' | 'absent'> {
    const tcp = createServer((socket) => {
      this.serveConnection(socket);
    });
    tcp.maxConnections = MAX_CONNECTIONS;
    const outcome = await tryListen(tcp, port, address);
    if (outcome !== 'listening') return outcome;
    const bound = tcp.address();
    const actual = typeof bound === 'object' && bound !== null ? bound.port : port;
    const udp = await bindUdp(actual, address);
    if (udp === undefined) {
      tcp.close();
      return 'taken';
    }
    const listener = { address, port: actual, tcp, udp };
    udp.on('message', (bytes, from) => {
      void this.answer(bytes, 'udp').then((reply) => {
        if (reply !== undefined && this.listening.includes(listener)) udp.send(reply, from.port, from.address);
      });
    });
    return listener;
  }

  private serveConnection(socket: Socket): void {
    this.connections.add(socket);
    socket.setTimeout(IDLE_MS, () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.once('close', () => this.connections.delete(socket));
    this.talk(socket).then(
      () => socket.end(),
      () => socket.destroy(),
    );
  }

  /** One query at a time, in order: whoever doesn't read its answers waits for them. */
  private async talk(socket: Socket): Promise<void> {
    for await (const bytes of framesOf(socket)) {
      const reply = await this.answer(bytes, 'tcp');
      if (reply === undefined) return;
      const length = Buffer.alloc(2);
      length.writeUInt16BE(reply.length);
      if (!socket.write(Buffer.concat([length, reply]))) await drained(socket);
    }
  }

  private async answer(bytes: Buffer, over: 'udp' | 'tcp'): Promise<Buffer | undefined> {
    const parsed = parseQuery(bytes);
    if (parsed === 'ignore') return undefined;
    if ('error' in parsed) return encodeError(parsed.head, parsed.error);
    const { query } = parsed;
    if (query.edns !== undefined && query.edns.version !== 0) return encodeReply(query, { rcode: 'BADVERS' }, over);
    if (!query.inInternetClass) return encodeReply(query, { rcode: 'REFUSED' }, over);
    try {
      const { store } = this.options;
      const sources = { viewFor: (name: string) => store.viewFor(name), lookup: this.lookup };
      return encodeReply(query, await resolve(query, sources), over);
    } catch (error) {
      this.options.log?.(`the DNS query for ${JSON.stringify(query.name)} failed`, error);
      return encodeReply(query, { rcode: 'SERVFAIL' }, over);
    }
  }
}

async function unbind({ tcp, udp }: Listener): Promise<void> {
  await Promise.all([
    new Promise<void>((done) => tcp.close(() => done())),
    new Promise<void>((done) => udp.close(() => done())),
  ]);
}

async function bindUdp(port: number, address: string): Promise<UdpSocket | undefined> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  return new Promise((resolve, reject) => {
    socket.once('error', (error: NodeJS.ErrnoException) => {
      socket.close();
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    socket.bind({ port, address, exclusive: true }, () => {
      socket.removeAllListeners('error');
      // An answer that can't be delivered is lost, as on any network; who asked asks again.
      socket.on('error', () => undefined);
      resolve(socket);
    });
  });
}

async function drained(socket: Socket): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = (): void => {
      socket.off('drain', done);
      socket.off('close', done);
      resolve();
    };
    socket.once('drain', done);
    socket.once('close', done);
  });
}
