import { join } from 'node:path';
import { ArtefactStore } from '../artefact/store.ts';
import { BuildCache } from '../cache/build-cache.ts';
import { systemClock } from '../engine/clock.ts';
import { currentIdentity, type ProcessIdentity } from '../engine/identity.ts';
import { FoundationOutputs } from '../foundation/outputs.ts';
import { KeptLogs } from '../logs/kept-logs.ts';
import { documentsIn } from '../state/documents.ts';
import { openSqliteStore } from '../state/sqlite.ts';
import type { StateStore } from '../state/store.ts';
import { brieflyBy } from './briefly.ts';
import type { BoundProvider } from './drivers.ts';
import { EventStream } from './event-stream.ts';
import { workTreeConfig, type ProjectName } from './project-name.ts';
import type { ProviderPolicy } from './provider-policy.ts';
import { providerStore, type OpenedStore } from './provider-store.ts';
import { projectFolder, stateFile } from './state-file.ts';
import { SecretValues } from './secret-values.ts';
import type { Session } from './session.ts';
import type { Settings } from './settings.ts';
import { workTreePolicy } from './work-tree-policy.ts';

/** A session, and what it opened. */
export interface OpenedSession {
  readonly session: Session;
  readonly store: StateStore;
  readonly events: EventStream;
  close(): Promise<void>;
}

const NEVER = new AbortController().signal;

/** Wires one project. Nothing is opened before it is used, and no provider is loaded before it is named. */
export function openSession(options: Settings, name: ProjectName): OpenedSession {
  const { stateFolder } = options;
  const clock = systemClock;
  const events = new EventStream(options.emit);
  const { emit } = events;
  const embedded = name.state ? undefined : openSqliteStore(stateFile(stateFolder, name));
  const artefacts = new ArtefactStore(join(stateFolder, 'artefacts'));
  const caches = new BuildCache(join(stateFolder, 'caches'));
  const secrets = new SecretValues(options);
  const ends: (() => void | Promise<void>)[] = [];
  const bound = new Map<string, Promise<BoundProvider>>();

  let policyHere: Promise<ProviderPolicy> | undefined;

  const bind = async (id: string, config: unknown, policy: ProviderPolicy): Promise<BoundProvider> => {
    // What only prints a list needs none of these, nor what they import.
    const [{ loadProvider }, { bindProvider }, { makeHost }, { openPacer }] = await Promise.all([
      import('./load-provider.ts'),
      import('./drivers.ts'),
      import('./host.ts'),
      import('../engine/pace.ts'),
    ]);
    const provider = await loadProvider(await options.providers(), id, {
      policies: [await (policyHere ??= workTreePolicy(options)), policy],
      knownFolder: join(stateFolder, 'providers'),
    });
    const pacer = openPacer(stateFolder, `${id}/${name.project}`, provider.rateLimits ?? {}, clock);
    const made = makeHost({
      project: name.project,
      stage: name.stage,
      env: options.env,
      now: () => clock.now(),
      sleep: (seconds, signal) => clock.sleep(seconds, signal),
      pace: (limit, call) => pacer.pace(limit, call),
      emit,
      secret: (secret) => secrets.valueOf(secret),
      folder: (artefact) => artefacts.folder(artefact),
    });
    ends.push(
      () => {
        pacer.close();
      },
      () => made.close(),
    );
    return bindProvider(provider, config, made.host, (to) => outputs.of(to));
  };

  const store = embedded ?? providerStore(() => openProviderStore(session, name), clock);
  const documents = documentsIn(store, clock);
  const briefly = brieflyBy(clock);
  const { project, stage } = name;
  const outputs = new FoundationOutputs({ documents, briefly, project, stage });
  let identity: ProcessIdentity | undefined; // what only prints a list needs none
  const session: Session = {
    project: name.project,
    stage: name.stage,
    providerName: name.provider,
    options,
    clock,
    documents,
    operations: {
      store,
      clock,
      get identity() {
        return (identity ??= currentIdentity());
      },
      emit,
      signal: options.signal,
    },
    artefacts,
    caches,
    foundations: outputs,
    keptLogs: new KeptLogs(join(projectFolder(stateFolder, name), 'logs')),
    emit,
    briefly,
    async repository(directory) {
      const { openRepository } = await import('../source/repository.ts');
      return openRepository(directory, { signal: options.signal, env: options.env, stateFolder });
    },
    async mirror(folder) {
      const [{ Mirror }, { Git }] = await Promise.all([import('../source/mirror.ts'), import('../source/git.ts')]);
      return new Mirror(new Git(options.env, NEVER), folder);
    },
    async docker() {
      const { openImageBuilder } = await import('../artefact/docker.ts');
      return openImageBuilder({ env: options.env });
    },
    async buildSite({ name: site, tree, site: config, owner, cache, signal, onOutput }) {
      const { buildSite } = await import('../artefact/site.ts');
      return buildSite({
        name: site,
        tree,
        install: config.install,
        installCache: config.installCache,
        build: config.build,
        dir: config.dir,
        scratchFolder: join(stateFolder, 'scratch'),
        store: artefacts,
        owner,
        cache: { ...cache, store: caches, owner: `${name.project}/${name.stage}` },
        env: options.env,
        signal,
        onOutput,
      });
    },
    giveSecrets: (values) => {
      secrets.give(values);
    },
    useSecrets: (config, repository) => secrets.use(config, repository),
    redact: (text) => secrets.redact(text),
    carryOn: async (run) => (await import('../environment/carry-on.ts')).carryOn(session, run),
    async warmUp() {
      const config = import('../config/load.ts').then(({ warmUpConfig }) => warmUpConfig());
      // Not the provider itself: none of its code may run before the commit's own policy is known.
      await Promise.allSettled([config, import('./load-provider.ts'), import('./drivers.ts'), import('./host.ts')]);
    },
    async provider() {
      const { loadConfig } = await import('../config/load.ts');
      const { config } = await loadConfig(await workTreeConfig(options));
      return config.provider;
    },
    bind({ name: id, config }, policy = {}) {
      const key = JSON.stringify([id, config, policy]);
      const known = bound.get(key) ?? bind(id, config, policy);
      bound.set(key, known);
      return known;
    },
  };
  return {
    session,
    store,
    events,
    async close() {
      for (const end of ends.splice(0).reverse()) await end();
      artefacts.close();
      caches.close();
      embedded?.close();
      events.end();
    },
  };
}

/** The store of the provider that the config names under `state`. */
async function openProviderStore(session: Session, { state }: ProjectName): Promise<OpenedStore> {
  if (!state) throw new Error('the state is kept on this machine');
  const [{ driverOf }, { STATE }] = await Promise.all([import('./drivers.ts'), import('../provider/tokens.ts')]);
  const bound = await session.bind(state);
  const store = await driverOf(bound, STATE, 'state store');
  return { store, errorOf: (cause) => bound.provider.errorOf(cause) };
}
