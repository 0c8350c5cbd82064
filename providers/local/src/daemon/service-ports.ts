import { covers, type Endpoint } from './endpoint.ts';
import { Forwarder } from './forwarder.ts';
import { messageOf } from '../control/failure.ts';

/**
 * Opens a service's declared port where those that need it look for it: at the environment's own address for processes, at the network's
 * gateway for containers. Connections go to the instances' endpoints in turn.
 */
export class ServicePorts {
  readonly #port: number;
  readonly #forwarders = new Map<string, Forwarder>();
  readonly #onProblem: (message: string | undefined) => void;
  #work: Promise<void> = Promise.resolve();
  #closed = false;

  /** @param onProblem - Told why the port can't be opened; undefined: it is open. */
  constructor(port: number, onProblem: (message: string | undefined) => void) {
    this.#port = port;
    this.#onProblem = onProblem;
  }

  /** Opens what is missing. A port is opened only once there is an endpoint, so that a program that insists on the declared port can have it. */
  update(endpoints: readonly Endpoint[], addresses: readonly string[]): Promise<void> {
    for (const forwarder of this.#forwarders.values()) forwarder.setEndpoints(endpoints);
    this.#work = this.#work.then(() => this.#open(endpoints, addresses));
    return this.#work;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#work;
    await Promise.all([...this.#forwarders.values()].map((forwarder) => forwarder.close()));
    this.#forwarders.clear();
  }

  async #open(endpoints: readonly Endpoint[], addresses: readonly string[]): Promise<void> {
    if (endpoints.length === 0) return;
    let problem: string | undefined;
    for (const address of addresses) {
      const isThere = endpoints.some((endpoint) => endpoint.port === this.#port && covers(endpoint, address));
      if (this.#closed || isThere || this.#forwarders.has(address)) continue;
      try {
        this.#forwarders.set(address, await Forwarder.listen(address, this.#port, endpoints));
      } catch (error) {
        problem = messageOf(error);
      }
    }
    this.#onProblem(problem);
  }
}
