import { once } from 'node:events';
import {
  createServer,
  request as ask,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type ServerResponse,
} from 'node:http';
import { askedOf, type Answer, type Asked } from './exchange.ts';
import { LoopbackServer } from './loopback-server.ts';

/** What a front does besides passing on. */
export interface Hooks {
  /** An answer in the emulator's place. */
  before(asked: Asked): Promise<Answer | undefined>;
  /** Called for what succeeded. */
  after(asked: Asked, answer: Answer): Promise<Answer>;
  /** Something of Route 53 was written. */
  zonesChanged(): void;
}

/** The public interface of an emulator, with what the data plane knows better. */
export async function listenInFront(emulator: string, hooks: Hooks): Promise<LoopbackServer> {
  const front = new Front(emulator, hooks);
  const server = createServer((incoming, response) => {
    front.serve(incoming, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else response.writeHead(500, { 'content-type': 'text/plain' }).end(`data plane: ${String(error)}`);
    });
  });
  server.requestTimeout = 0;
  return LoopbackServer.listen(server);
}

class Front {
  constructor(
    private readonly emulator: string,
    private readonly hooks: Hooks,
  ) {}

  async serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { headers, method } = incoming;
    const target = [headers['x-amz-target'] ?? ''].flat()[0] ?? '';
    const contentType = headers['content-type'] ?? '';
    const isAction =
      method === 'POST' && (target !== '' || contentType.startsWith('application/x-www-form-urlencoded'));
    if (!isAction) {
      await this.#pass(incoming, response);
      return;
    }
    const body = await whole(incoming);
    const asked = askedOf(target, contentType, body);
    const answer =
      (asked.action ? await this.hooks.before(asked) : undefined) ?? (await this.#ask(incoming, asked, body));
    const kept = Object.entries(answer.headers).filter(
      ([name]) => !/^(?:connection|transfer-encoding|content-length)$/.test(name),
    );
    response.writeHead(answer.status, { ...Object.fromEntries(kept), 'content-length': answer.body.length });
    response.end(answer.body);
  }

  async #ask(incoming: IncomingMessage, asked: Asked, body: Buffer): Promise<Answer> {
    const outgoing = this.#open(incoming, { 'content-length': body.length });
    outgoing.end(body);
    const [said] = (await once(outgoing, 'response')) as [IncomingMessage]; // what the event gives
    const answer = { status: said.statusCode ?? 502, headers: said.headers, body: await whole(said) };
    return asked.action !== '' && answer.status === 200 ? this.hooks.after(asked, answer) : answer;
  }

  async #pass(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const outgoing = this.#open(incoming);
    response.on('close', () => outgoing.destroy());
    incoming.pipe(outgoing);
    const [said] = (await once(outgoing, 'response')) as [IncomingMessage]; // what the event gives
    if (incoming.method !== 'GET' && incoming.url?.startsWith('/2013-04-01/')) this.hooks.zonesChanged();
    response.writeHead(said.statusCode ?? 502, said.headers);
    said.pipe(response);
    await once(response, 'close');
  }

  #open({ method, url, headers }: IncomingMessage, framing?: OutgoingHttpHeaders) {
    const { hostname, port } = new URL(this.emulator);
    const { 'content-length': length, 'transfer-encoding': encoding, expect: _, connection: __, ...kept } = headers;
    const given = {
      ...(length ? { 'content-length': length } : {}),
      ...(encoding ? { 'transfer-encoding': encoding } : {}),
    };
    return ask({ hostname, port, method, path: url, headers: { ...kept, ...(framing ?? given) }, agent: false });
  }
}

async function whole(message: IncomingMessage): Promise<Buffer> {
  return Buffer.concat(await message.toArray());
}
