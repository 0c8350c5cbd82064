import type { ContainerRuntime } from '../containers/runtime.ts';
import type { EnvironmentRecord } from './database.ts';
import { addressesOf, isProcess } from './environment-services.ts';
import { ServicePorts } from './service-ports.ts';
import type { Endpoint } from './endpoint.ts';
import { messageOf } from '../control/failure.ts';

/** The declared ports of an environment's services, opened for those that need them. */
export class EnvironmentPorts {
  readonly #record: EnvironmentRecord;
  readonly #runtime: ContainerRuntime;
  readonly #onChange: () => void;
  readonly #signal: AbortSignal;
  readonly #ports = new Map<string, ServicePorts>();
  readonly #problems = new Map<string, string>();
  /** The endpoints that a service's port was last opened for, as text. */
  readonly #openedFor = new Map<string, string>();
  readonly #opening = new Set<string>();

  constructor(record: EnvironmentRecord, runtime: ContainerRuntime, onChange: () => void, signal: AbortSignal) {
    this.#record = record;
    this.#runtime = runtime;
    this.#onChange = onChange;
    this.#signal = signal;
  }

  update(name: string, endpoints: readonly Endpoint[]): void {
    const port = this.#record.spec.services[name]?.port;
    const shown = JSON.stringify(endpoints);
    if (port === undefined || this.#signal.aborted || this.#openedFor.get(name) === shown) return;
    this.#openedFor.set(name, shown);
    this.#opening.add(name);
    void this.#open(name, this.#ports.get(name) ?? this.#add(name, port), endpoints);
  }

  /** Whether all was done that can be done: those that need the service may start. */
  isSettled(name: string): boolean {
    return !this.#opening.has(name);
  }

  /** Why a port that somebody needs can't be opened. One that only the proxy or other containers lead to does not need to be. */
  problem(): string | undefined {
    const { services } = this.#record.spec;
    for (const [name, message] of this.#problems) {
      const users = Object.entries(services).filter(([, service]) => name in service.needs);
      const isNeeded = users.some(([user]) => isProcess(this.#record, user) || isProcess(this.#record, name));
      if (isNeeded) return `service ${name}: ${message}`;
    }
    return undefined;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#ports.values()].map((ports) => ports.close()));
  }

  #add(name: string, port: number): ServicePorts {
    const ports = new ServicePorts(port, (problem) => {
      if (problem === undefined) this.#problems.delete(name);
      else this.#problems.set(name, problem);
    });
    this.#ports.set(name, ports);
    return ports;
  }

  async #open(name: string, ports: ServicePorts, endpoints: readonly Endpoint[]): Promise<void> {
    try {
      await ports.update(endpoints, await addressesOf(this.#record, name, this.#runtime, this.#signal));
    } catch (error) {
      this.#problems.set(name, messageOf(error));
    }
    this.#opening.delete(name);
    this.#onChange();
  }
}
