import {
  ProviderError,
  type Call,
  type Capabilities,
  type DnsProvider,
  type DriverFactories,
  type Environment,
  type EnvironmentDriver,
  type EnvironmentSpec,
  type Foundation,
  type FoundationDriver,
  type FoundationSpec,
  type Host,
  type Provider,
  type Resource,
  type ResourceDriver,
  type ResourceRef,
  type Slot,
  type SlotDriver,
  type SlotSpec,
  type Snapshot,
  type SnapshotSpec,
  type StateStore,
  type StorageDriver,
  type Volume,
  type VolumeSpec,
} from '@clusternator/core';
import { deriveToken, makeHost, pollUntilSettled, retrying, withCall } from '@clusternator/core/kit';
import type { Artefacts } from './apps.ts';
import type { KitClock } from './clock.ts';
import type { Account } from './harness.ts';
import { foundationSpec, type Owner } from './specs.ts';

export interface Kinds {
  readonly environments: { readonly spec: EnvironmentSpec; readonly resource: Environment };
  readonly slots: { readonly spec: SlotSpec; readonly resource: Slot };
  readonly volumes: { readonly spec: VolumeSpec; readonly resource: Volume };
  readonly snapshots: { readonly spec: SnapshotSpec; readonly resource: Snapshot };
  readonly foundation: { readonly spec: FoundationSpec; readonly resource: Foundation<unknown> };
}
export type Kind = keyof Kinds;

/** What a tenant is made from. The processes that get killed make one of their own. */
export interface TenantParts {
  readonly provider: Provider;
  readonly account: Pick<Account, 'config' | 'env' | 'foundationDomain'>;
  readonly owner: Owner;
  readonly clock: KitClock;
  readonly artefacts: Artefacts;
  readonly secrets: Readonly<Record<string, string>>;
  readonly settleSeconds: number;
  /** Everything that a driver told: log lines and progress. */
  readonly told: string[];
  /** With a call's verb, around it. */
  readonly onVerb?: (verb: string) => () => void;
}
export interface CallOptions {
  /** Left out: of the verb and what it is about. */
  readonly token?: string;
  readonly signal?: AbortSignal;
  readonly seconds?: number;
  /** How often `make` and `remove` ask, where something fails that may be asked again. Left out: as often as core. */
  readonly attempts?: number;
}

const NEVER = new AbortController().signal;
let tenants = 0;

/** One project and stage in the account, and the provider's drivers for it. */
export class Tenant {
  readonly host: Host;
  readonly capabilities: Capabilities;
  readonly config: unknown;
  readonly #parts: TenantParts;
  readonly #operation: string;
  readonly #close: () => Promise<void>;
  readonly #made = new Map<string, Promise<unknown>>();
  #foundation: Promise<unknown> | undefined;

  constructor(parts: TenantParts) {
    this.#parts = parts;
    this.#operation = `op-${parts.owner.project}-${String(tenants++)}`;
    this.config = parts.provider.config.parse(parts.account.config);
    this.capabilities = parts.provider.capabilities(this.config);
    const { clock, told, owner } = parts;
    const { host, close } = makeHost({
      ...owner,
      env: parts.account.env,
      now: () => clock.now(),
      sleep: (seconds, signal) => clock.sleep(seconds, signal),
      pace: async () => {},
      emit: (event) => told.push(JSON.stringify(event)),
      secret: async (name) => parts.secrets[name] ?? '',
      folder: async (artefact) => parts.artefacts.folderOf(artefact),
    });
    this.host = host;
    this.#close = close;
  }

  get owner(): Owner {
    return this.#parts.owner;
  }
  environments(): Promise<EnvironmentDriver> {
    return this.#driver('environments');
  }
  slots(): Promise<SlotDriver> {
    return this.#driver('slots');
  }
  storage(): Promise<StorageDriver> {
    return this.#driver('storage');
  }
  dns(): Promise<DnsProvider> {
    return this.#driver('dns');
  }
  state(): Promise<StateStore> {
    return this.#driver('state');
  }
  foundation(): Promise<FoundationDriver<unknown>> {
    return this.#driver('foundation');
  }
  close(): Promise<void> {
    return this.#close();
  }

  /** Runs one call of a driver as core does: with a deadline, and whatever is thrown as a ProviderError. */
  call<T>(verb: string, about: string, work: (call: Call) => Promise<T>, options: CallOptions = {}): Promise<T> {
    const { clock, provider, settleSeconds, told, onVerb } = this.#parts;
    const parts = {
      clock: clock.steady,
      signal: options.signal ?? NEVER,
      operation: this.#operation,
      doing: `${verb} ${about}`,
      deadlineSeconds: options.seconds ?? settleSeconds,
      token: options.token ?? deriveToken(this.owner.project, this.owner.stage, verb, about),
      progress: (to: { readonly message: string }) => told.push(to.message),
      errorOf: (cause: unknown) => provider.errorOf(cause),
    };
    const done = onVerb?.(verb);
    return withCall(parts, work).finally(() => done?.());
  }

  async driver<K extends Kind>(kind: K): Promise<ResourceDriver<Kinds[K]['spec'], Kinds[K]['resource']>> {
    if (kind === 'environments') return await this.environments();
    if (kind === 'slots') return await this.slots();
    if (kind === 'foundation') return await this.foundation();
    const storage = await this.storage();
    const found = kind === 'volumes' ? storage.volumes : storage.snapshots;
    if (!found) throw new ProviderError('unsupported', `the provider has no ${kind}`);
    return found; // as above
  }

  /** One `ensure`, which may return early. */
  async ensure<K extends Kind>(kind: K, spec: Kinds[K]['spec'], options?: CallOptions): Promise<Kinds[K]['resource']> {
    const driver = await this.driver(kind);
    return this.call(`${kind}.ensure`, spec.id, (call) => driver.ensure(spec, call), options);
  }

  /** Makes what its drivers stand on, where they stand on anything. */
  async standOnGround(): Promise<void> {
    this.#foundation ??= this.#makeFoundation();
    await this.#foundation;
  }

  /** As core makes things: again and again under one token, until the phase has settled. */
  async make<K extends Kind>(kind: K, spec: Kinds[K]['spec'], options?: CallOptions): Promise<Kinds[K]['resource']> {
    const driver = await this.driver(kind);
    const { clock, provider } = this.#parts;
    const doing = `make ${spec.id}`;
    return this.call(
      `${kind}.ensure`,
      spec.id,
      (call) => {
        const errorOf = (cause: unknown) => provider.errorOf(cause);
        const once = () =>
          retrying<Resource>(() => driver.ensure(spec, call), {
            ...{ clock, call, doing, errorOf, ...policyOf(options) },
            observe: () => Promise.resolve({ state: 'again' }),
          });
        // What `once` gives is what the driver's `ensure` gave.
        return pollUntilSettled(once, { clock: clock.steady, call, doing });
      },
      options,
    );
  }

  async read<K extends Kind>(kind: K, ref: ResourceRef): Promise<Kinds[K]['resource'] | undefined> {
    const driver = await this.driver(kind);
    return this.call(`${kind}.read`, ref.id, (call) => driver.read(ref, call));
  }

  async list<K extends Kind>(kind: K): Promise<readonly Kinds[K]['resource'][]> {
    const driver = await this.driver(kind);
    return this.call(`${kind}.list`, 'all', (call) => Array.fromAsync(driver.list(call)));
  }

  /** One `destroy`, which may return early. */
  async destroy(kind: Kind, ref: ResourceRef, options?: CallOptions): Promise<void> {
    const driver = await this.driver(kind);
    await this.call(`${kind}.destroy`, ref.id, (call) => driver.destroy(ref, call), options);
  }

  /** As core removes things: again and again, until `read` finds nothing. */
  async remove(kind: Kind, ref: ResourceRef, options?: CallOptions): Promise<void> {
    const driver = await this.driver(kind);
    const { clock, provider } = this.#parts;
    const doing = `remove ${ref.id}`;
    const errorOf = (cause: unknown) => provider.errorOf(cause);
    await this.call(
      `${kind}.destroy`,
      ref.id,
      (call) =>
        pollUntilSettled(
          async () => {
            const policy = { clock, call, doing, errorOf, ...policyOf(options) };
            await retrying(() => driver.destroy(ref, call), {
              ...policy,
              observe: () => Promise.resolve({ state: 'again' }),
            });
            const left = await retrying<Resource | undefined>(() => driver.read(ref, call), policy);
            return { phase: left?.phase ?? 'destroying', isGone: left === undefined };
          },
          { clock: clock.steady, call, doing, isSettled: ({ isGone }) => isGone },
        ),
      options,
    );
  }

  #driver<T>(name: keyof DriverFactories<unknown, unknown>): Promise<T> {
    const known = this.#made.get(name);
    if (known) return known as Promise<T>; // made below, under the same name
    const made = this.#make(name);
    this.#made.set(name, made);
    return made as Promise<T>; // each getter names the driver that its factory gives
  }

  async #make(name: keyof DriverFactories<unknown, unknown>): Promise<unknown> {
    const { drivers } = this.#parts.provider;
    const { config, host } = this;
    if (name === 'dns' || name === 'state' || name === 'foundation')
      return drivers[name]?.({ config, host, foundation: undefined });
    await this.standOnGround();
    return drivers[name]?.({ config, host, foundation: await this.#foundation }); // its own foundation's outputs
  }

  async #makeFoundation(): Promise<unknown> {
    if (!this.#parts.provider.drivers.foundation) return undefined;
    return (await this.make('foundation', foundationSpec(this.owner, this.#parts.account))).outputs;
  }
}

function policyOf({ attempts }: CallOptions = {}) {
  return { firstSeconds: 0.02, longestSeconds: 1, ...(attempts !== undefined && { attempts }) };
}
