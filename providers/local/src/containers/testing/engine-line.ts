import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ENGINE = (process.env.DOCKER_HOST ?? 'unix:///var/run/docker.sock').replace('unix://', '');

/** A line to the machine's real engine that can be cut and can hang, as when the engine stops or is overloaded. */
export class EngineLine {
  private readonly sockets = new Set<Socket>();
  private server: Server | undefined;
  private held = false;
  private refusal:
    { readonly request: RegExp; readonly status: number; readonly body: string; left: number } | undefined;
  /** The requests' first lines, as they were sent. */
  readonly requests: string[] = [];

  private constructor(private readonly folder: string) {}

  static async open(): Promise<EngineLine> {
    const line = new EngineLine(await mkdtemp(join(tmpdir(), 'clusternator-line-')));
    await line.restore();
    return line;
  }

  get dockerHost(): string {
    return `unix://${this.path}`;
  }

  /** The next requests whose first line is like this get this answer, and never reach the engine. */
  refuse(request: RegExp, status: number, answer: object, times: number): void {
    this.refusal = { request, status, body: JSON.stringify(answer), left: times };
  }

  /** As if the engine stopped: what is open breaks off, and nobody listens. */
  async cut(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    for (const socket of this.sockets) socket.destroy();
    if (server) await new Promise((resolve) => server.close(resolve));
  }

  async restore(): Promise<void> {
    this.held = false;
    const server = createServer((socket) => this.forward(socket));
    this.server = server;
    await new Promise<void>((resolve) => server.listen(this.path, resolve));
  }

  /** As if the engine hung: it takes connections and requests, and says nothing more. */
  hold(): void {
    this.held = true;
    for (const socket of this.sockets) socket.pause();
  }

  async close(): Promise<void> {
    await this.cut();
    await rm(this.folder, { recursive: true, force: true });
  }

  private get path(): string {
    return join(this.folder, 'engine.sock');
  }

  private forward(socket: Socket): void {
    const engine = connect(ENGINE);
    for (const [one, other] of [
      [socket, engine],
      [engine, socket],
    ] as const) {
      this.sockets.add(one);
      if (this.held) one.pause();
      one.on('data', (chunk: Buffer) => {
        if (one === socket && this.answers(chunk, socket)) return;
        if (!other.write(chunk)) {
          one.pause();
          other.once('drain', () => this.held || one.resume());
        }
      });
      one.on('end', () => other.end());
      one.on('close', () => {
        this.sockets.delete(one);
        other.destroy();
      });
      one.on('error', () => other.destroy());
    }
  }

  /** A connection carries one request: ours are not kept. */
  private answers(chunk: Buffer, socket: Socket): boolean {
    const line = /^[A-Z]+ \/.* HTTP\/1\.1/.exec(chunk.toString('latin1'))?.[0];
    if (line === undefined) return false;
    this.requests.push(line);
    if (!this.refusal?.request.test(line) || this.refusal.left === 0) return false;
    this.refusal.left--;
    const { status, body } = this.refusal;
    socket.end(
      `HTTP/1.1 ${status} Refused\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    return true;
  }
}
