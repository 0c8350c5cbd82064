import { once } from 'node:events';
import http from 'node:http';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

/** One answer that was not as it should be. */
export interface Fault {
  readonly what: string;
  readonly at: number;
}
interface Reply {
  readonly response: http.IncomingMessage;
  /** When it was sent, and when its answer began: in between it was decided which head answers. */
  readonly sentAt: number;
  readonly answeredAt: number;
}
/** From when to when a version may have answered. */
interface Period {
  readonly version: string;
  readonly from: number;
  until: number;
}

/**
 * Steady traffic through a slot: short requests over kept and over new connections, slow answers, uploads and event streams. It knows which
 * versions may answer: whatever began after a flip was acknowledged has to come from the new head.
 */
export class SlotLoad {
  readonly faults: Fault[] = [];
  readonly counts = { short: 0, slow: 0, uploads: 0, events: 0, webSockets: 0 };
  readonly #url: URL;
  readonly #kept = new http.Agent({ keepAlive: true, maxSockets: 16 });
  readonly #working: Promise<void>[] = [];
  readonly #sockets = new Set<Duplex>();
  readonly #periods: Period[] = [];
  #running = true;

  constructor(url: string, version: string) {
    this.#url = new URL(url);
    this.flipping(version);
  }

  /** A flip to another head begins: until it is acknowledged, both may answer. */
  flipping(to: string): void {
    this.#periods.push({ version: to, from: performance.now(), until: Infinity });
  }
  /** It was acknowledged: what begins from now on is answered by this one alone. */
  flipped(to: string): void {
    const now = performance.now();
    for (const period of this.#periods) if (period.version !== to) period.until = Math.min(period.until, now);
  }

  /** @param pauseMs - Of each of the 12 that send short requests, after an answer. */
  start({ slowMs = 10_000, pauseMs = 10 } = {}): void {
    for (let one = 0; one < 8; one++) this.#repeat(() => this.#short(this.#kept), pauseMs);
    for (let one = 0; one < 4; one++) this.#repeat(() => this.#short(false), pauseMs);
    for (let one = 0; one < 10; one++) this.#repeat(() => this.#slow(slowMs), 50);
    for (let one = 0; one < 2; one++) this.#repeat(() => this.#upload(), 20);
    for (let one = 0; one < 3; one++) this.#repeat(() => this.#events(), 10);
    for (let one = 0; one < 5; one++) this.#repeat(() => this.#webSocket(), 10);
  }

  /** Ends when all that was begun has its answer. */
  async stop(): Promise<void> {
    this.#running = false;
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(this.#working);
    this.#kept.destroy();
  }

  #repeat(work: () => Promise<void>, pauseMs: number): void {
    const go = async (): Promise<void> => {
      while (this.#running) {
        await work().catch((error: unknown) => this.#fault(String(error)));
        await sleep(pauseMs);
      }
    };
    this.#working.push(go());
  }

  async #short(agent: http.Agent | false): Promise<void> {
    const reply = await this.#send('/', agent);
    const version = this.#versionOf('a short request', reply);
    const body = await textOf(reply.response);
    if (!body.includes(`"version":"${version}"`)) this.#fault(`a short answer of ${version} is ${body}`);
    this.counts.short += 1;
  }

  /** The head that begins an answer ends it. */
  async #slow(ms: number): Promise<void> {
    const reply = await this.#send(`/slow?ms=${String(ms)}`, false);
    const version = this.#versionOf('a slow request', reply);
    const body = await textOf(reply.response);
    if (body !== `${version} begins\n${version} ends\n`) this.#fault(`a slow answer of ${version} is ${body}`);
    this.counts.slow += 1;
  }

  async #upload(): Promise<void> {
    const pieces = Array.from({ length: 20 }, () => Buffer.alloc(10_000));
    const reply = await this.#send('/upload', false, pieces);
    this.#versionOf('an upload', reply);
    const body = await textOf(reply.response);
    if (!body.includes('"bytes":200000')) this.#fault(`an upload came as ${body}`);
    this.counts.uploads += 1;
  }

  /** Reads a second of a stream of events, all from one head. */
  async #events(): Promise<void> {
    const reply = await this.#send('/events', false);
    const version = this.#versionOf('a stream', reply);
    const { response } = reply;
    let text = '';
    response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
    response.on('error', () => undefined); // told below, as any end is
    await Promise.race([sleep(1000), once(response, 'close')]);
    if (response.destroyed) this.#fault(`a stream of ${version} ended`);
    response.destroy();
    if (text.replaceAll(`data: ${version}\n\n`, '') !== '') this.#fault(`a stream of ${version} has ${text}`);
    this.counts.events += 1;
  }

  /** Open until it is told to come again, and to nothing else. */
  async #webSocket(): Promise<void> {
    const socket = await this.#upgrade();
    if (this.#isOver()) return void socket.destroy(); // nobody closes what was opened while it stopped
    this.#sockets.add(socket);
    let frame = Buffer.alloc(0);
    socket.on('data', (piece: Buffer) => (frame = Buffer.concat([frame, piece])));
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end(Buffer.from([0x88, 0x80, 0, 0, 0, 0])));
    await once(socket, 'close');
    this.#sockets.delete(socket);
    if (this.#isOver()) return;
    this.counts.webSockets += 1;
    const code = frame.length >= 4 && frame[0] === 0x88 ? frame.readUInt16BE(2) : undefined;
    if (code !== 1012) this.#fault(`a WebSocket was closed with ${String(code)}`);
  }

  #versionOf(what: string, { response, sentAt, answeredAt }: Reply): string {
    const version = String(response.headers['x-version']);
    const status = response.statusCode ?? 0;
    const mayAnswer = this.#periods.some((it) => it.version === version && it.from <= answeredAt && it.until >= sentAt);
    if (status !== 200) this.#fault(`${what} was answered ${String(status)}`);
    else if (!mayAnswer) this.#fault(`${what} was answered by ${version}, after the flip away from it`);
    return version;
  }

  /** What a check before an await said need not hold after it. */
  #isOver(): boolean {
    return !this.#running;
  }

  #fault(what: string): void {
    this.faults.push({ what, at: performance.now() });
  }

  async #send(path: string, agent: http.Agent | false, pieces: readonly Buffer[] = []): Promise<Reply> {
    const method = pieces.length > 0 ? 'POST' : 'GET';
    const sentAt = performance.now();
    const sent = http.request({ ...this.#target(path), method, agent });
    const answered = Promise.withResolvers<http.IncomingMessage>();
    sent.once('response', answered.resolve).once('error', answered.reject);
    for (const piece of pieces) {
      sent.write(piece);
      await sleep(5);
    }
    sent.end();
    return { response: await answered.promise, sentAt, answeredAt: performance.now() };
  }

  async #upgrade(): Promise<Duplex> {
    const headers = {
      ...this.#target('/').headers,
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      'sec-websocket-version': '13',
    };
    const opened = Promise.withResolvers<Duplex>();
    const sent = http.request({ ...this.#target('/'), agent: false, headers });
    sent.once('upgrade', (_answer, socket) => opened.resolve(socket)).once('error', opened.reject);
    sent.once('response', ({ statusCode }) => {
      opened.reject(new Error(`a WebSocket was answered ${String(statusCode)}`));
    });
    sent.end();
    return opened.promise;
  }

  #target(path: string): { host: string; port: string; path: string; headers: Record<string, string> } {
    return { host: '127.0.0.1', port: this.#url.port, path, headers: { host: this.#url.host } };
  }
}

async function textOf(response: http.IncomingMessage): Promise<string> {
  let body = '';
  for await (const piece of response.setEncoding('utf8')) body += String(piece);
  return body;
}
