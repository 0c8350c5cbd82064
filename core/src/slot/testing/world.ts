import 'reflect-metadata';
import { container } from 'tsyringe';
import { z } from 'zod';
import { BuildCache } from '../../cache/build-cache.ts';
import { projectConfigSchema, type ProjectConfig } from '../../config/schema.ts';
import type { EngineEvent } from '../../engine/events.ts';
import type { Liveness, ProcessIdentity } from '../../engine/identity.ts';
import { someProcess } from '../../engine/testing/operations.ts';
import { carryOn } from '../../environment/carry-on.ts';
import { lifeDetails, resourceIdOf } from '../../environment/life.ts';
import { environmentSpec } from '../../environment/spec.ts';
import { FoundationOutputs } from '../../foundation/outputs.ts';
import { bindFounded } from '../../foundation/testing/bind-founded.ts';
import type { MemoryFoundation } from '../../foundation/testing/memory-foundation.ts';
import { brieflyBy } from '../../host/briefly.ts';
import type { BoundProvider } from '../../host/drivers.ts';
import type { Session } from '../../host/session.ts';
import { environmentIdOf } from '../../names/environment-id.ts';
import { environmentLabel } from '../../names/host-label.ts';
import { withDetails } from '../../names/tags.ts';
import { yes, type Capabilities } from '../../provider/capabilities.ts';
import { KeptLogs } from '../../logs/kept-logs.ts';
import { ProviderError } from '../../provider/error.ts';
import { defineProvider } from '../../provider/provider.ts';
import { DNS, ENVIRONMENTS, SLOTS, STORAGE } from '../../provider/tokens.ts';
import { unmadeVolumes, volumeSpecs } from '../../environment/volumes.ts';
import type { CommitReader } from '../../rebuild/commits.ts';
import { backupRuleOf } from '../../storage/backup-rule.ts';
import type { VolumeDocument } from '../../storage/documents.ts';
import type { VolumeSpec } from '../../storage/storage.ts';
import { MemoryStorage } from '../../storage/testing/memory-storage.ts';
import type { Mirror } from '../../source/mirror.ts';
import { documentsIn, type EnvironmentDocument } from '../../state/documents.ts';
import { memoryStore } from '../../state/memory.ts';
import type { StateStore } from '../../state/store.ts';
import { testCall } from '../../state/testing/call.ts';
import type { SlotDocument } from '../documents.ts';
import { plainly, type Deal } from './deal.ts';
import type { RouterKind } from './memory-router.ts';
import { MemoryCloud } from './memory-cloud.ts';
import { MemoryDns } from './memory-dns.ts';
import { SimClock } from './sim-clock.ts';

const OWNER = { project: 'shop', stage: 'default' };
const NEVER = new AbortController().signal;
/** As much of a store as slots and gc ask for. */
const NO_ARTEFACTS = {
  release: async () => undefined,
  owners: () => [],
  sweep: async () => undefined,
  folder: async () => '/dev/null', // no command finds a file of its own in there
} as unknown as Session['artefacts']; // the rest is about files
/** As much of a mirror as a destroy asks for. */
const NO_MIRROR = { forget: async () => undefined, compact: async () => undefined } as unknown as Mirror;
const noConfig = z.strictObject({});
const provider = defineProvider({
  id: 'memory',
  sdk: '1.0.0',
  config: noConfig,
  examples: [],
  capabilities: () => ({}),
  permissions: () => [],
  domain: 'localhost',
  errorOf: () => undefined,
  drivers: {},
} as never); // what slots ask of a provider is its domain and its errors

export const CAPABILITIES: Capabilities = {
  'slots.router': yes(),
  'slots.shared': yes(),
  'slots.compareAndSet': yes(),
  'environments.scale': yes(),
  'environments.traffic': yes(),
  'dns.compareAndSet': yes(),
  'storage.files': yes(),
  'storage.disks': yes(),
  'storage.snapshots': yes(),
  'storage.clone': yes(),
  'storage.dumps': yes(),
  'storage.checksums': yes(),
  'environments.exec': yes(),
};

/** Everything that outlives a process: the state, the cloud, time. */
export class World {
  /** By the owner of artefacts: what it keeps of them. */
  readonly keptDigests = new Map<string, readonly string[]>();
  /** Sees every put that was made. */
  onPut: (key: string, value: string) => void = () => {};
  store: StateStore = this.observed(memoryStore());
  /** Of the repository's commits. */
  readonly configs = new Map<string, ProjectConfig>();
  readonly clock = new SimClock();
  readonly cloud: MemoryCloud;
  readonly dns = new MemoryDns();
  readonly storage = new MemoryStorage(() => this.clock.now());
  readonly events: EngineEvent[] = [];
  /** By pid. Left out: it can't be told. */
  readonly liveness = new Map<number, Liveness>();
  /** Core's own requests: a status by the host that is asked, the path, and the port. */
  status: (host: string, path: string, port: string) => number = () => 200;
  /** Nowhere, unless a test gives them a place. */
  keptLogs = new KeptLogs('/dev/null/logs');
  /** What the cloud's drivers stand on. Left out: on nothing. */
  foundation: MemoryFoundation | undefined;
  /** The outputs that drivers were made with. */
  readonly stoodOn: unknown[] = [];
  /** Slot and generation, of slots that were destroyed. */
  readonly ends = new Set<string>();
  private pids = 0;

  constructor(
    kind: RouterKind = 'version',
    /** Those of a config: another config may bring others. */
    public capabilities: Capabilities = CAPABILITIES,
  ) {
    this.cloud = new MemoryCloud(kind);
  }

  get documents() {
    return documentsIn(this.store, this.clock);
  }

  private observed(store: StateStore): StateStore {
    return {
      ...store,
      put: async (key, value, expected, call) => {
        const revision = await store.put(key, value, expected, call);
        this.onPut(key, value);
        return revision;
      },
    };
  }

  /** A process of its own. @param deal - What it does to the world goes through it. */
  process(deal: Deal = plainly, signal: AbortSignal = NEVER): Session {
    const { clock, cloud, capabilities } = this;
    const store = dealingStore(this.store, deal);
    const identity = someProcess(++this.pids);
    const emit = (event: EngineEvent): void => {
      this.events.push(event);
    };
    const scope = container.createChildContainer();
    scope.register(ENVIRONMENTS, { useValue: () => Promise.resolve(cloud.environments(deal)) });
    scope.register(SLOTS, { useValue: () => Promise.resolve(cloud.router(deal)) });
    scope.register(STORAGE, { useValue: () => Promise.resolve(this.storage.driver(deal)) });
    scope.register(DNS, { useValue: () => Promise.resolve(this.dns.provider(deal)) });
    const bound: BoundProvider = { provider, config: {}, capabilities, scope };
    const documents = documentsIn(store, clock);
    const briefly = brieflyBy(clock);
    const foundations = new FoundationOutputs({ documents, briefly, ...OWNER });
    const known = new Map<string, BoundProvider>();
    const bind: Session['bind'] = async ({ config }) => {
      if (!this.foundation) return bound;
      const key = JSON.stringify(config);
      const made = known.get(key) ?? bindFounded(this, this.foundation, { config, deal, foundations });
      known.set(key, made);
      return made;
    };
    const unused = (): never => {
      throw new Error('not in this world');
    };
    const session: Session = {
      project: 'shop',
      stage: 'default',
      providerName: 'memory',
      options: { directory: '/', env: {}, stateFolder: '/', providers: () => Promise.resolve([]), signal, emit },
      clock,
      documents,
      foundations,
      operations: {
        store,
        clock,
        identity,
        emit,
        signal,
        liveness: ({ pid }: ProcessIdentity) => this.liveness.get(pid) ?? 'unknown',
      },
      artefacts: Object.assign(Object.create(NO_ARTEFACTS) as Session['artefacts'], {
        reference: (digest: string, owner: string) => {
          this.keptDigests.set(owner, [...(this.keptDigests.get(owner) ?? []), digest]);
        },
      }),
      keptLogs: this.keptLogs,
      caches: new BuildCache('/dev/null/caches'),
      emit,
      probe: (url) =>
        deal('probe', () => {
          const { hostname, pathname, port } = new URL(url);
          const status = this.status(hostname, pathname, port);
          return { ok: status >= 200 && status < 300, message: `answered ${String(status)}` };
        }),
      // A real look-up takes real time, in which the virtual clock would run out.
      fetch: () => Promise.reject(new Error('there is no network in this world')),
      briefly,
      repository: () => Promise.reject(new ProviderError('not-found', 'no repository in this world')),
      mirror: () => Promise.resolve(NO_MIRROR),
      docker: unused,
      buildSite: unused,
      giveSecrets: () => undefined,
      useSecrets: async () => undefined,
      redact: (text) => text,
      carryOn: (run) => carryOn(session, run),
      warmUp: async () => undefined,
      provider: () => Promise.resolve({ name: 'memory', config: {} }),
      bind,
    };
    return session;
  }

  /** All documents are lost: those of a state that begins anew are kept from now on. */
  loseState(): void {
    this.store = this.observed(memoryStore());
  }

  /** The repository, as a rebuild asks it. */
  commits(): CommitReader {
    return {
      read: (sha) => {
        const [whole, config] = [...this.configs].find(([one]) => one.startsWith(sha)) ?? [];
        if (whole === undefined || !config) return Promise.resolve({ why: `there is no commit ${sha}` });
        const source = artefactOf(whole);
        const about = { sha: whole, subject: `Commit ${whole.slice(0, 1)}`, author: 'Ann' };
        return Promise.resolve({ ...about, config, source, mirror: '/mirror', overrides: '' });
      },
      close: () => Promise.resolve(),
    };
  }

  /** An environment that is ready, by the first letter of its commit. @param slots - Of its commit's config. */
  async environment(
    letter: string,
    slots: object = { master: {} },
    services: object = {},
    volumes: object = {},
  ): Promise<string> {
    const document = this.documentFor(letter, slots, services, 1, volumes);
    await this.keepVolumes(document);
    this.cloud.running.set(resourceIdOf(document), document.spec ?? fail());
    const found = await this.documents.environments.get(document.id, testCall());
    const next = found ? { ...document, incarnation: found.document.incarnation } : document;
    await this.documents.environments.put(document.id, next, found?.revision ?? null, testCall());
    return document.id;
  }

  /** Its own volumes, as a create would have made them. */
  private async keepVolumes({ id, config, ...rest }: EnvironmentDocument): Promise<void> {
    const { commit } = rest;
    for (const { name, spec: bare } of config ? volumeSpecs(OWNER, config, resourceIdOf({ id, ...rest })) : []) {
      const spec = { ...bare, tags: withDetails(bare.tags, { commit }) };
      const { backup, onDestroy, scope } = config?.volumes[name] ?? fail();
      const isShared = scope === 'project';
      await this.volume(spec, {
        name,
        scope: isShared ? 'project' : 'env',
        ...(!isShared && { environment: id }),
        onDestroy: scope === 'env' ? onDestroy : 'delete',
        ...(backup && scope === 'env' && { backup: backupRuleOf(backup) }),
      });
    }
  }

  /** A volume that is there and ready. */
  async volume(spec: VolumeSpec, more: Partial<VolumeDocument> = {}): Promise<void> {
    const volume = await this.storage.driver(plainly).volumes.ensure(spec, testCall());
    const document: VolumeDocument = {
      schema: 1,
      id: spec.id,
      name: spec.id,
      scope: 'env',
      phase: 'ready',
      generation: 0,
      holdsSlotData: false,
      provider: { name: 'memory', config: {} },
      spec,
      volume,
      onDestroy: 'delete',
      createdAt: '2026-01-01T00:00:00.000Z',
      ...more,
    };
    await this.documents.volumes.put(document.id, document, null, testCall());
  }

  documentFor(
    letter: string,
    slots: object,
    services: object = {},
    incarnation = 1,
    volumes: object = {},
  ): EnvironmentDocument {
    const commit = letter.repeat(40);
    const id = letter.repeat(12);
    const config = projectConfigSchema.parse({
      project: 'shop',
      provider: 'memory',
      services: { web: { command: 'node web.js', port: 8080, route: '/' }, ...services },
      slots,
      volumes,
    });
    const identity = {
      project: 'shop',
      stage: 'default',
      id,
      resourceId: `${id}-${String(incarnation)}`,
      commit,
      incarnation,
      hosts: [`${environmentLabel(OWNER, environmentIdOf(commit))}.localhost`],
      details: lifeDetails({ createdAt: '2026-01-01T00:00:00.000Z' }, {}),
    };
    this.configs.set(commit, config);
    const artefact = artefactOf(commit);
    const artefacts = {
      services: Object.fromEntries(Object.keys(config.services).map((name) => [name, artefact])),
      sites: {},
    };
    const named = volumeSpecs(OWNER, config, identity.resourceId);
    const spec = environmentSpec(identity, config, artefacts, unmadeVolumes(named));
    return {
      schema: 1,
      id,
      commit,
      incarnation,
      phase: 'ready',
      epoch: 1,
      provider: { name: 'memory', config: {} },
      fingerprint: spec.fingerprint,
      hosts: identity.hosts,
      spec,
      environment: {
        id: spec.id,
        phase: 'active',
        handle: { id: spec.id },
        url: `http://${spec.id}.test`,
        address: { type: 'A', value: `127.64.0.${String(commit.charCodeAt(0))}` },
        parts: {},
      },
      config,
      ...(named.length > 0 && { volumes: named.filter(({ isOwn }) => isOwn).map(({ spec: { id: one } }) => one) }),
      createdAt: '2026-01-01T00:00:00.000Z',
      pins: {},
    };
  }

  async slotOrNone(name: string): Promise<SlotDocument | undefined> {
    return (await this.documents.slots.get(name, testCall()))?.document;
  }

  async slot(name = 'master'): Promise<SlotDocument> {
    return (await this.documents.slots.get(name, testCall()))?.document ?? fail();
  }

  async environmentDocument(id: string): Promise<EnvironmentDocument> {
    return (await this.documents.environments.get(id, testCall()))?.document ?? fail();
  }

  /** Lets time go on until the work has settled. */
  run<T>(work: Promise<T>): Promise<T> {
    return this.clock.run(work);
  }
}

function artefactOf(commit: string) {
  return { kind: 'files' as const, digest: `tree-${commit}`, bytes: 1 };
}

function dealingStore(store: StateStore, deal: Deal): StateStore {
  return {
    // What is dealt is a promise itself: to wait for the one is to wait for the other.
    get: async (key, call) => {
      const found = await deal('get', () => store.get(key, call));
      return found;
    },
    put: async (key, value, expected, call) => {
      const revision = await deal('put', () => store.put(key, value, expected, call));
      return revision;
    },
    delete: async (key, expected, call) => {
      await deal('delete', () => store.delete(key, expected, call));
    },
    list: (prefix, call) => store.list(prefix, call),
  };
}

function fail(): never {
  throw new Error('it is not there');
}
