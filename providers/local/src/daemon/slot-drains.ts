import { setTimeout as sleep } from 'node:timers/promises';
import type { ProxyServer } from '../proxy/server.ts';

/** How long what a slot began with a former head may go on. */
export interface DrainTerms {
  readonly requestsSeconds: number;
  readonly webSocketsSeconds: number;
}

/** Lets go of former heads. Only what came by the slot's own hosts is touched: an environment may be behind others too. */
export class SlotDrains {
  readonly #proxy: Pick<ProxyServer, 'closeWebSockets' | 'cutRequests'>;
  readonly #log: (message: string, error: unknown) => void;
  readonly #running = new Map<string, AbortController>();

  constructor(
    proxy: Pick<ProxyServer, 'closeWebSockets' | 'cutRequests'>,
    log: (message: string, error: unknown) => void,
  ) {
    this.#proxy = proxy;
    this.#log = log;
  }

  /** WebSockets are closed one by one; what is still being answered when its time is over is cut. */
  begin(host: string, backend: string, terms: DrainTerms): void {
    this.end(host, backend);
    const controller = new AbortController();
    const key = keyOf(host, backend);
    this.#running.set(key, controller);
    void this.#drain(host, backend, terms, controller.signal).finally(() => {
      if (this.#running.get(key) === controller) this.#running.delete(key);
    });
  }

  /** It is routed to again: what is open stays so. */
  end(host: string, backend: string): void {
    this.#running.get(keyOf(host, backend))?.abort();
  }

  close(): void {
    for (const controller of this.#running.values()) controller.abort();
  }

  async #drain(host: string, backend: string, terms: DrainTerms, signal: AbortSignal): Promise<void> {
    const hosts = new Set([host]);
    try {
      await Promise.all([
        this.#proxy.closeWebSockets(backend, { hosts, spreadSeconds: terms.webSocketsSeconds, signal }),
        sleep(terms.requestsSeconds * 1000, undefined, { signal, ref: false }),
      ]);
      signal.throwIfAborted();
      this.#proxy.cutRequests(backend, hosts);
      // Those whose handshake was under way.
      await this.#proxy.closeWebSockets(backend, { hosts, signal });
    } catch (error) {
      if (!signal.aborted) this.#log(`${host} can't let go of ${backend}`, error);
    }
  }
}

function keyOf(host: string, backend: string): string {
  return `${host}\0${backend}`;
}
