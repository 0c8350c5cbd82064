import type { Environment, Slot, SlotSpec } from '@clusternator/core/provider';
import { WebSocket } from 'ws';
import { LocalSlots } from '../slots.ts';
import { get, Scene, type Answer } from './environments.ts';
import { testCall, testHost } from './specs.ts';

/** Answers with its content, at `/slow` after a second, at `/stream` without an end; takes WebSockets. `/open` tells how many it answers. */
export const SLOT_SERVER = `
import { createHash } from 'node:crypto';
import http from 'node:http';
let open = 0;
const server = http.createServer((request, response) => {
  if (request.url === '/open') return response.end(String(open));
  open++;
  response.once('close', () => open--);
  const answer = () => response.end('content of ' + process.env.CONTENT);
  if (request.url === '/slow') setTimeout(answer, 1000);
  else if (request.url === '/stream') response.write('content of ' + process.env.CONTENT);
  else answer();
});
server.on('upgrade', (request, socket) => {
  const accept = createHash('sha1').update(request.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64');
  socket.write('HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: websocket\\r\\nSec-WebSocket-Accept: ' + accept + '\\r\\n\\r\\n');
  socket.on('data', (data) => { if ((data[0] & 15) === 8) socket.end(); });
  socket.on('error', () => undefined);
});
server.listen(Number(process.env.PORT), process.env.HOST);
`;

/** A daemon, environments in it, and slots before them. */
export class SlotScene extends Scene {
  readonly slots: LocalSlots;

  constructor() {
    super();
    this.slots = this.slotsOf('shop');
  }

  /** As another process, or another project, would have it. */
  slotsOf(project: string): LocalSlots {
    return new LocalSlots(testHost(this.specs, this.daemon.env, {}, project), this.daemon.newClient());
  }

  /** Answers with the first letter of its id. */
  environment(id: string): Promise<Environment> {
    const web = this.specs.web({ program: SLOT_SERVER, env: { CONTENT: id.slice(0, 1) } });
    return this.ensure(this.specs.environment(id, { web }));
  }

  spec(id: string, more: Partial<SlotSpec> = {}): SlotSpec {
    return {
      id,
      fingerprint: `fingerprint-${id}`,
      tags: { clusternator_id: id },
      hosts: [`${id}--shop.localhost`],
      standbyHosts: [`${id}-1--shop.localhost`, `${id}-2--shop.localhost`],
      parts: { web: '/' },
      tls: false,
      drain: { requestsSeconds: 30, webSocketsSeconds: 0 },
      ...more,
    };
  }

  make(id: string, more: Partial<SlotSpec> = {}): Promise<Slot> {
    return this.slots.ensure(this.spec(id, more), testCall());
  }

  /** All traffic to the first, the others are standbys. */
  flip(slot: Slot, stamp: string, ...to: readonly Environment[]): Promise<Slot> {
    const routes = to.map(({ handle }, at) => ({ handle, percent: at === 0 ? 100 : 0 }));
    return this.slots.route(slot, routes, stamp, testCall());
  }
}

export function ask(slot: Slot, path = '/', host?: string): Promise<Answer> {
  return get({ url: slot.url ?? '' } as Parameters<typeof get>[0], path, host); // the URL is all that is used of it
}

/** An open WebSocket, and what it is told in the end. */
export async function webSocket(
  { url = '' }: { readonly url?: string },
  host = new URL(url).host,
): Promise<{ readonly closed: Promise<number>; isOpen(): boolean; end(): void }> {
  const socket = new WebSocket(`ws://127.0.0.1:${new URL(url).port}/`, { headers: { host } });
  const closed = new Promise<number>((resolve) => socket.once('close', resolve));
  await new Promise<void>((resolve, reject) => socket.once('open', resolve).once('error', reject));
  return {
    closed,
    isOpen: () => socket.readyState === WebSocket.OPEN,
    end: () => {
      socket.terminate();
    },
  };
}
