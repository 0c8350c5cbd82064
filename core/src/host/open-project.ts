import type { ProjectConfig } from '../config/schema.ts';
import { livenessOf } from '../engine/identity.ts';
import { hasEnded } from '../engine/ownership.ts';
import { environmentView, operationView } from '../environment/view.ts';
import type { Environment, EnvironmentDriver, ExecSession, Health, LogLine } from '../environment/environment.ts';
import { ProviderError } from '../provider/error.ts';
import type { Call } from '../provider/host.ts';
import type { OperationDocument } from '../state/documents.ts';
import { openSession } from './open-session.ts';
import { stateFile } from './state-file.ts';
import { openFoundations } from './open-foundation.ts';
import { openSlots } from './open-slots.ts';
import { openStorage } from './open-storage.ts';
import { projectName, workTreeConfig } from './project-name.ts';
import type { OpenOptions, OperationView, Project } from './project.ts';
import type { Session } from './session.ts';
import { sessionWith } from './session-with.ts';
import { settingsOf, type Settings } from './settings.ts';

/**
 * Opens a project: the engine, as a library. Close it in the end. `openProject({ directory })` is enough.
 * @throws ConfigError (`invalid`) when nothing tells the project's name.
 */
export async function openProject(options: OpenOptions): Promise<Project> {
  const settings = settingsOf(options);
  const name = await projectName(settings);
  const opened = openSession(settings, name);
  const { session } = opened;
  return {
    name: name.project,
    stage: name.stage,
    config: () => loadWorkTree(settings),
    async validate() {
      const { problemsOf } = await import('../config/problem.ts');
      try {
        const { config } = await loadWorkTree(settings);
        const { providerProblems } = await import('../environment/deployed-config.ts');
        const problems = await providerProblems(session, config);
        if (problems.length === 0) await warnOfEngine(session, config);
        return problems;
      } catch (error) {
        const problems = problemsOf(error);
        if (problems.length > 0) return problems;
        throw error;
      }
    },
    async create({ signal, ...request }) {
      const within = sessionWith(session, signal);
      const { slot } = request;
      if (slot !== undefined) {
        const { createSlotEnvironment } = await import('../slot/create-for-slot.ts');
        return createSlotEnvironment(within, { ...request, slot });
      }
      const { createEnvironment } = await import('../environment/create.ts');
      return createEnvironment(within, request);
    },
    async plan(request) {
      const { planEnvironment } = await import('../environment/plan.ts');
      return planEnvironment(session, request);
    },
    async *environments({ limit = Infinity, after, all = false } = {}) {
      const call = listingCall(settings);
      let shown = 0;
      for await (const { document } of session.documents.environments.list(call, {
        ...(after !== undefined && { after }),
      })) {
        if (document.phase === 'gone' && !all) continue;
        if (shown++ >= limit) return;
        yield environmentView(document);
      }
    },
    async environment(id, { live: isAsked = true } = {}) {
      if (isAsked) return environmentView((await live(session, id)).document);
      const { findEnvironment } = await import('../environment/find.ts');
      return environmentView(await findEnvironment(session, id));
    },
    async health(id): Promise<Health> {
      const { driver, environment } = await running(session, id);
      return session.briefly(`ask for the health of ${id}`, (call) => driver.health(environment, call));
    },
    async *logs(id, query): AsyncGenerator<LogLine> {
      const { readLogs } = await import('../environment/read-logs.ts');
      yield* readLogs(session, id, query, listingCall(settings));
    },
    async exec(id, request): Promise<ExecSession> {
      const { driver, environment, provider } = await running(session, id);
      if (!driver.exec)
        throw new ProviderError('unsupported', `provider "${provider}" runs no commands inside services`);
      return driver.exec(environment, request, listingCall(settings));
    },
    async destroy(id, { force, signal } = {}) {
      const [{ findEnvironment }, { destroyEnvironment }] = await Promise.all([
        import('../environment/find.ts'),
        import('../environment/destroy.ts'),
      ]);
      const found = await findEnvironment(session, id);
      const within = sessionWith(session, signal);
      const forced = force === undefined ? {} : { force };
      const { document, operation } = await destroyEnvironment(within, found.id, forced);
      return { environment: environmentView(document), operation };
    },
    async gc({ dryRun }) {
      const { collectGarbage } = await import('../environment/gc.ts');
      const { config } = await loadWorkTree(settings);
      return collectGarbage(session, {
        dryRun,
        logsMiB: config.logs.sizeMiB,
        caches: config.cache.folders,
        ...(config.environments.max !== undefined && { max: config.environments.max }),
      });
    },
    async *operations() {
      for await (const { document } of session.documents.operations.list(listingCall(settings))) yield viewOf(document);
    },
    operation: async (id) => viewOf(await operationOf(session, id)),
    async resume(id, { signal } = {}) {
      const { resumeOperation } = await import('../engine/operation.ts');
      const { id: whole } = await operationOf(session, id);
      const within = sessionWith(session, signal);
      await within.carryOn(await resumeOperation(within.operations, whole));
      return viewOf(await operationOf(session, whole));
    },
    async abort(id) {
      const { abortOperation } = await import('../environment/abort.ts');
      const { id: whole } = await operationOf(session, id);
      await abortOperation(session, whole);
      return viewOf(await operationOf(session, whole));
    },
    async capabilities() {
      return (await session.bind(await session.provider())).capabilities;
    },
    slots: () =>
      openSlots(session, async () => {
        const loaded = await loadWorkTree(settings).catch(() => undefined); // what was promoted is known without it
        return Object.keys(loaded?.config.slots ?? {});
      }),
    storage: () => openStorage(session),
    foundations: () => openFoundations(session, async () => (await loadWorkTree(settings)).config),
    async *exportState() {
      if (name.state) {
        const call = listingCall(settings);
        for await (const { key } of opened.store.list('', call)) {
          const found = await opened.store.get(key, call);
          if (found) yield { key, value: jsonOrText(found.value) };
        }
        return;
      }
      const { salvage } = await import('../state/salvage.ts');
      const tell = (message: string): void => {
        session.emit({ type: 'warning', message });
      };
      const file = stateFile(settings.stateFolder, name);
      for await (const { key, value } of salvage(file, tell)) yield { key, value: jsonOrText(value) };
    },
    async rebuildState({ dryRun = false, signal } = {}) {
      const { rebuildState } = await import('../rebuild/rebuild.ts');
      return rebuildState(sessionWith(session, signal), { dryRun });
    },
    events: () => opened.events.events(),
    close: () => opened.close(),
    [Symbol.asyncDispose]: () => opened.close(),
  };
}

async function loadWorkTree(options: Settings): Promise<{ readonly config: ProjectConfig; readonly file: string }> {
  const { loadConfig } = await import('../config/load.ts');
  return loadConfig(await workTreeConfig(options));
}

/** No problem of the config: an engine may be started, and another machine may have one. */
async function warnOfEngine(session: Session, config: ProjectConfig): Promise<void> {
  const { engineServices } = await import('../environment/build.ts');
  const services = engineServices(config);
  if (services.length === 0) return;
  try {
    await session.docker();
  } catch (error) {
    if (!ProviderError.is(error)) throw error;
    const who = services.length === 1 ? `service ${services[0] ?? ''} needs` : `services ${services.join(', ')} need`;
    const { hint } = error.detail;
    const message = `${who} a Docker Engine to be deployed from here: ${error.message}`;
    session.emit({ type: 'warning', message, ...(hint !== undefined && { hint }) });
  }
}

/** A damaged store may hold any text. */
function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** For what lasts as long as a person looks at it. */
function listingCall({ signal }: Pick<Settings, 'signal'>): Call {
  return {
    signal,
    deadline: new Date(8.64e15), // the last date there is
    operation: 'none',
    token: () => 'none',
    progress: () => undefined,
  };
}

interface Running {
  readonly driver: EnvironmentDriver;
  readonly environment: Environment;
  readonly provider: string;
}

/** An environment as its provider knows it now. @throws ProviderError `not-found`. */
async function running(session: Session, id: string): Promise<Running> {
  const { document, driver, environment } = await live(session, id);
  if (driver && environment) return { driver, environment, provider: document.provider.name };
  throw new ProviderError('not-found', `environment ${document.id} does not run: it is ${document.phase}`, {
    hint: `clusternator env show ${document.id}`,
  });
}

async function live(session: Session, name: string) {
  const [{ findEnvironment }, { readLive }] = await Promise.all([
    import('../environment/find.ts'),
    import('../environment/read-live.ts'),
  ]);
  return readLive(session, await findEnvironment(session, name));
}

async function operationOf(session: Session, name: string): Promise<OperationDocument> {
  const prefix = name.toLowerCase();
  const found = await session.briefly(`look for operation ${name}`, async (call) => {
    const all: OperationDocument[] = [];
    for await (const { document } of session.documents.operations.list(call, { prefix })) all.push(document);
    return all;
  });
  const [first, ...more] = found;
  if (first && more.length === 0) return first;
  if (first) {
    throw new ProviderError('invalid', `"${name}" can be ${found.map(({ id }) => id).join(', ')}`, {
      hint: 'give more of the id',
    });
  }
  throw new ProviderError('not-found', `there is no operation "${name}"`, { hint: 'clusternator op list' });
}

function viewOf(document: OperationDocument): OperationView {
  return operationView(
    document,
    !hasEnded(document) && document.state === 'running' && livenessOf(document.owner) !== 'dead',
  );
}
