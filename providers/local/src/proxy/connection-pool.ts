import { connect } from 'node:net';
import type { Endpoint } from './backend.ts';
import { UpstreamConnection } from './connection.ts';

const CONNECT_TIMEOUT_MS = 5_000;
/** An answer's head may take this long: long polls are fine, a hung upstream isn't for ever. */
const HEAD_TIMEOUT_MS = 600_000;
const SWEEP_MS = 1_000;

/** The connections to one endpoint. As many as there are requests at once: whoever queues here would hide what limits it. */
export class ConnectionPool {
  /** The one that was used last is last, and is taken first. */
  private readonly idle: UpstreamConnection[] = [];
  private readonly all = new Set<UpstreamConnection>();
  private sweeper: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(
    private readonly endpoint: Endpoint,
    readonly now: () => number,
  ) {}

  get isClosed(): boolean {
    return this.closed;
  }

  /** A connection that is kept, if there is one. */
  take(): UpstreamConnection | undefined {
    for (;;) {
      const connection = this.idle.pop();
      if (connection === undefined) return undefined;
      if (connection.isUsable && connection.usableUntilMs > this.now()) return connection;
      connection.destroy();
    }
  }

  /** A new connection. Where there is none to be had, `done` gets nothing. */
  connect(done: (connection: UpstreamConnection | undefined) => void): void {
    const socket = connect({ host: this.endpoint.host, port: this.endpoint.port, noDelay: true });
    const timer = setTimeout(() => socket.destroy(), CONNECT_TIMEOUT_MS);
    const onError = (): void => undefined; // its close follows
    const onClose = (): void => {
      clearTimeout(timer);
      done(undefined);
    };
    socket.once('error', onError);
    socket.once('close', onClose);
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.off('close', onClose);
      const connection = new UpstreamConnection(socket, this);
      socket.off('error', onError);
      this.all.add(connection);
      this.sweeper ??= setInterval(() => {
        this.sweep();
      }, SWEEP_MS).unref();
      done(connection);
    });
  }

  release(connection: UpstreamConnection): void {
    if (this.closed) connection.destroy();
    else this.idle.push(connection);
  }

  forget(connection: UpstreamConnection): void {
    this.all.delete(connection);
    const index = this.idle.indexOf(connection);
    if (index !== -1) this.idle.splice(index, 1);
    if (this.all.size > 0) return;
    clearInterval(this.sweeper);
    this.sweeper = undefined;
  }

  /** Lets go of what was idle for too long, and of upstreams that hang. */
  sweep(): void {
    const now = this.now();
    for (const connection of this.idle) if (connection.usableUntilMs <= now) connection.destroy();
    for (const connection of this.all) {
      if (connection.waitsSinceMs !== undefined && connection.waitsSinceMs + HEAD_TIMEOUT_MS <= now) {
        connection.timeOut();
      }
    }
  }

  /** Requests that are under way go on; nothing is kept behind them. */
  close(): void {
    this.closed = true;
    for (const connection of this.idle.splice(0)) connection.destroy();
  }

  destroy(): void {
    this.close();
    for (const connection of this.all) connection.destroy();
  }
}
