import { freePort } from './addresses.ts';

/** Ports that were given away, and on which nothing may listen yet. */
export class PortPool {
  readonly #reserved = new Set<number>();

  /** @throws ProviderError `quota`. */
  async reserve(): Promise<number> {
    const port = await freePort((it) => this.#reserved.has(it));
    this.#reserved.add(port);
    return port;
  }

  release(port: number): void {
    this.#reserved.delete(port);
  }
}
