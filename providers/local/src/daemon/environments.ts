import { ProviderError } from '@clusternator/core/provider';
import type { EnvironmentBody, InstancesBody } from '../control/protocol.ts';
import type { EnvironmentView } from '../control/views.ts';
import { allocateAddress } from './addresses.ts';
import type { EnvironmentRecord, Scope } from './database.ts';
import { LocalEnvironment, type EnvironmentDeps } from './environment.ts';
import { assertNeedsExist } from './environment-services.ts';
import { assertMayHold, holderOf } from './holders.ts';
import { keyOf } from './keys.ts';
import type { Members } from './service.ts';

/** All environments of this state folder. */
export class Environments {
  readonly #deps: EnvironmentDeps;
  readonly #all = new Map<string, LocalEnvironment>();
  /** Those that are being written down take turns: each address is given once. */
  #adding: Promise<unknown> = Promise.resolve();

  constructor(deps: Omit<EnvironmentDeps, 'onGone' | 'assertMayHold'>) {
    this.#deps = {
      ...deps,
      onGone: (key) => this.#all.delete(key),
      assertMayHold: (record, instances) => {
        this.#assertMayHold(record, instances);
      },
    };
    for (const record of deps.database.environments()) {
      this.#all.set(record.key, new LocalEnvironment(record, this.#deps));
    }
  }

  get size(): number {
    return this.#all.size;
  }

  /** Brings back what should run. */
  start(): void {
    for (const environment of this.#all.values()) environment.start();
  }

  async suspend(): Promise<void> {
    await Promise.all([...this.#all.values()].map((environment) => environment.suspend()));
  }

  /** One that is there stays as it is, whatever it was made from. */
  async ensure(scope: Scope, id: string, body: EnvironmentBody): Promise<LocalEnvironment> {
    const key = keyOf(scope, id);
    assertNeedsExist(body.spec.services);
    const added = this.#adding.then(async () => this.#all.get(key) ?? (await this.#add({ ...scope, id, key }, body)));
    this.#adding = added.catch(() => undefined);
    return added;
  }

  /** Once all that was asked for before is written down, or refused. */
  async settled(): Promise<void> {
    await this.#adding;
  }

  find(scope: Scope, id: string): LocalEnvironment | undefined {
    return this.#all.get(keyOf(scope, id));
  }

  /** @throws ProviderError `not-found`. */
  require(scope: Scope, id: string): LocalEnvironment {
    const environment = this.find(scope, id);
    if (!environment)
      throw new ProviderError('not-found', `there is no environment ${id} of ${scope.project}/${scope.stage}`);
    return environment;
  }

  /** By the key of its handle. */
  record(key: string): EnvironmentRecord | undefined {
    return this.#all.get(key)?.record;
  }

  list(scope: Scope): readonly EnvironmentView[] {
    return this.#of(scope).map((environment) => environment.view());
  }

  /** Ids of the environments that mount a volume. */
  usersOf(scope: Scope, volume: string): readonly string[] {
    const users = this.#of(scope).filter(({ record }) =>
      Object.values(record.spec.services).some((service) =>
        Object.values(service.mounts).some((mount) => mount.volume === volume),
      ),
    );
    return users.map(({ record }) => `environment ${record.id}`);
  }

  /** What runs now and may write to a volume. */
  writersOf(scope: Scope, volume: string): Members {
    const all = this.#of(scope).flatMap((environment) => environment.writersOf(volume));
    return {
      processes: all.flatMap(({ processes }) => processes),
      containers: all.flatMap(({ containers }) => containers),
    };
  }

  containerChanged(container: string): void {
    for (const environment of this.#all.values()) environment.containerChanged(container);
  }

  /** The names of those that were made, as far as this daemon knows. */
  containers(): readonly string[] {
    return [...this.#all.values()].flatMap((environment) => environment.containers());
  }

  /** Whether any runs on the Docker Engine. */
  hasContainers(): boolean {
    return [...this.#all.values()].some(({ record }) =>
      Object.values(record.spec.services).some((service) => service.artefact.kind === 'image'),
    );
  }

  #assertMayHold(record: EnvironmentRecord, instances: Readonly<Record<string, InstancesBody>>): void {
    const { database, volumes } = this.#deps;
    const others = this.#of(record).filter(({ record: other }) => other.key !== record.key);
    const holders = others.map((environment) => holderOf(environment.record, database, {}, environment.running()));
    assertMayHold(holderOf(record, database, instances), holders, (volume) => volumes.isDisk(record, volume));
  }

  #of(scope: Scope): readonly LocalEnvironment[] {
    const all = [...this.#all.values()];
    return all.filter(({ record }) => record.project === scope.project && record.stage === scope.stage);
  }

  async #add(
    names: Scope & { readonly id: string; readonly key: string },
    body: EnvironmentBody,
  ): Promise<LocalEnvironment> {
    const { database, home, proxyPort, vault } = this.#deps;
    const { spec, sealed } = body;
    const taken = new Set([...this.#all.values()].map(({ record }) => record.address));
    const ports = Object.values(spec.services).flatMap((service) => service.port ?? []);
    const record: EnvironmentRecord = {
      ...names,
      spec,
      sealed: vault.seal(JSON.stringify(sealed), names.key),
      address: await allocateAddress(home, taken, [proxyPort, ...ports]),
      phase: 'creating',
    };
    this.#assertMayHold(record, {});
    const environment = new LocalEnvironment(record, this.#deps);
    database.addEnvironment(record);
    this.#all.set(record.key, environment);
    environment.start();
    return environment;
  }
}
