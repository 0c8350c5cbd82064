import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { setImmediate as afterIo } from 'node:timers/promises';
import { startOperation, type OperationRun } from '../engine/operation.ts';
import { errorRecord } from '../engine/journal.ts';
import type { CreateRequest, CreateResult } from '../host/project.ts';
import type { Session } from '../host/session.ts';
import { environmentIdOf, formatEnvironmentId } from '../names/environment-id.ts';
import { messageOf } from '../engine/thrown.ts';
import { fingerprint } from '../names/fingerprint.ts';
import { ProviderError } from '../provider/error.ts';
import type { Commit } from '../source/commit.ts';
import type { EnvironmentDocument } from '../state/documents.ts';
import type { Stored } from '../state/document-store.ts';
import { Claim } from './claim.ts';
import { confirmReady } from './confirm.ts';
import { createInputSchema, type CreateInput } from './create-input.ts';
import { destroyEnvironment } from './destroy.ts';
import { undoPreparation } from './leave-nothing.ts';
import { findSecretsEarly } from './early-secrets.ts';
import { makeClaimed } from './make.ts';
import { withOneLook } from './one-look.ts';
import { finishUnfinished } from './unfinished.ts';
import { environmentView } from './view.ts';

/**
 * Gives a commit its environment: makes it, goes on with an interrupted one, waits for another process that makes it, or finds it ready.
 * @throws ProviderError `unhealthy` (it does not start or answer; it stays for its logs), `already-exists` (made from other settings), and
 *   what the repository, the config, the builds and the provider throw: then nothing of it is left.
 */
export async function createEnvironment(opened: Session, request: CreateRequest): Promise<CreateResult> {
  const session = withOneLook(withTimeout(opened, request.timeoutSeconds));
  session.giveSecrets(request.secrets ?? {});
  const input = await createInput(session, request);
  const { commit } = input;
  const id = formatEnvironmentId(environmentIdOf(commit.sha));
  const overrides = await overridesOf(input);
  for (;;) {
    const found = await session.briefly(`read environment ${id}`, (call) =>
      session.documents.environments.get(id, call),
    );
    if (found?.document.owner) {
      await finishUnfinished(session, found.document, 'create');
      continue;
    }
    if (found?.document.phase === 'ready') {
      const ready = await confirmReady(session, found, overrides, request.ttlSeconds);
      if (ready) return { environment: environmentView(ready), operation: '', existed: true, warnings: [] };
    }
    if (found && found.document.phase !== 'gone') {
      await destroyEnvironment(session, id); // it failed, or vanished behind our back: its next life begins anew
      continue;
    }
    await findSecretsEarly(session, input);
    const claimed = await claim(session, input, documentOf(session, id, input, overrides, found), found);
    if (!claimed) continue;
    const warnings = request.wait === false ? await handOver(claimed.run) : await makeOrGiveUp(session, claimed);
    const environment = environmentView(claimed.claim.document);
    return { environment, operation: claimed.run.id, existed: false, warnings };
  }
}

interface Claimed {
  readonly run: OperationRun;
  readonly claim: Claim;
}

/** @returns Undefined: another process claimed it first. */
async function claim(
  session: Session,
  input: CreateInput,
  document: EnvironmentDocument,
  found: Stored<EnvironmentDocument> | undefined,
): Promise<Claimed | undefined> {
  const run = await startOperation(session.operations, { kind: 'create', subject: document.id, input });
  try {
    const taken = await session.briefly(`claim environment ${document.id}`, (call) =>
      Claim.take(session, found, document, run, call),
    );
    return { run, claim: taken };
  } catch (error) {
    await run.abort();
    if (ProviderError.is(error) && error.code === 'conflict') return undefined;
    throw error;
  }
}

/** Leaves the operation to another process. */
async function handOver(run: OperationRun): Promise<readonly string[]> {
  await run.interrupt();
  return [];
}

/** After the time the operation is left to be resumed, as after an abort. */
function withTimeout(session: Session, timeoutSeconds: number | undefined): Session {
  if (timeoutSeconds === undefined) return session;
  const { operations } = session;
  const signal = AbortSignal.any([operations.signal, AbortSignal.timeout(timeoutSeconds * 1000)]);
  return { ...session, operations: { ...operations, signal } };
}

/** Goes on with a create that was interrupted. */
export async function resumeCreate(session: Session, run: OperationRun): Promise<void> {
  const { resumeAhead, makeAhead } = await import('../slot/create-bound.ts');
  if (await resumeAhead(session, run)) return;
  const id = run.document.subject;
  const owned = await session.briefly(`read environment ${id}`, (call) => Claim.resume(session, id, run.id, call));
  if (owned) {
    await makeOrGiveUp(session, { run, claim: owned });
    const { slot, ttlSeconds } = createInputSchema.parse(run.document.input);
    const how = { wait: true, ...(ttlSeconds !== undefined && { ttlSeconds }) };
    if (slot !== undefined) await makeAhead(session, owned.document, slot, how);
    return;
  }
  // It died between its own document and the claim, or between the last write and its end.
  const stored = await session.briefly(`read environment ${id}`, (call) =>
    session.documents.environments.get(id, call),
  );
  if (stored?.document.phase === 'ready' && run.document.steps.some(({ id: step }) => step === 'verify'))
    await run.finish();
  else await run.abort();
}

async function makeOrGiveUp(session: Session, { run, claim: owned }: Claimed): Promise<readonly string[]> {
  const { id } = owned.document;
  return run.conclude(async () => {
    try {
      const warnings = await makeClaimed(session, run, owned);
      for (const message of warnings) session.emit({ type: 'warning', message });
      return warnings;
    } catch (error) {
      if (run.signal.aborted) throw error;
      try {
        await giveUp(session, owned, error);
      } catch (left) {
        // What went wrong first is what is to be told. The next command on the environment clears up.
        session.emit({
          type: 'warning',
          message: `environment ${id} could not be cleared up: ${messageOf(left)}`,
          hint: `clusternator env destroy ${id}`,
        });
      }
      const { noteIfVanished } = await import('../foundation/vanished.ts');
      await noteIfVanished(session, owned.document.provider, error).catch((unseen: unknown) => {
        session.emit({ type: 'warning', message: messageOf(unseen) });
      });
      throw error;
    }
  });
}

/** What its provider began to make stays, for its logs. Before that, nothing does. */
async function giveUp(session: Session, owned: Claim, error: unknown): Promise<void> {
  const { document } = owned;
  const isStarted = document.spec !== undefined;
  if (!isStarted) await undoPreparation(session, document);
  await session.briefly(`write environment ${document.id}`, (call) =>
    owned.release((now) => ({ ...now, phase: isStarted ? 'failed' : 'gone', error: errorRecord(error) }), call),
  );
}

/** What a create goes by, from here on without the command line. @throws ProviderError what the repository says of the commit. */
export async function createInput(session: Session, request: CreateRequest): Promise<CreateInput> {
  const { directory, configFile, set, provider } = session.options;
  const opening = session.repository(directory);
  const warming = afterIo().then(() => session.warmUp()); // while git runs
  const repository = await opening;
  const commit: Commit = await repository.resolve({
    ...(request.sha !== undefined && { sha: request.sha }),
    ...(request.ref !== undefined && { ref: request.ref }),
    ...(request.pullRequest !== undefined && { pullRequest: request.pullRequest }),
  });
  await warming;
  return {
    commit,
    repository: repository.rootFolder,
    set: [...(set ?? [])],
    env: configVariables(session),
    ...(configFile !== undefined && { configFile: resolve(configFile) }),
    ...(provider !== undefined && { provider }),
    ...(request.ttlSeconds !== undefined && { ttlSeconds: request.ttlSeconds }),
    ...(request.slot !== undefined && { slot: request.slot }),
  };
}

/** Variables that are laid over the config, so that a process that goes on reads it the same way. */
function configVariables({ options, project, stage }: Session): Record<string, string> {
  const told = ['CLUSTERNATOR_PROVIDER', 'CLUSTERNATOR_DOMAIN', 'CLUSTERNATOR_REGISTRY'].flatMap((name) => {
    const value = options.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  const stageTold = options.stage ?? options.env.CLUSTERNATOR_STAGE;
  return {
    ...Object.fromEntries(told),
    ...(stageTold !== undefined && { CLUSTERNATOR_STAGE: stage }),
    ...((options.project ?? options.env.CLUSTERNATOR_PROJECT) !== undefined && { CLUSTERNATOR_PROJECT: project }),
  };
}

/** Fingerprint of what the command line lays over a commit's config. */
export async function overridesOf({ set, provider, configFile, env }: CreateInput): Promise<string> {
  const file = configFile === undefined ? undefined : await readFile(configFile, 'utf8').catch(() => undefined);
  return fingerprint({ set, provider: provider ?? null, file: file ?? null, env });
}

function documentOf(
  session: Session,
  id: string,
  { commit }: CreateInput,
  overrides: string,
  before: Stored<EnvironmentDocument> | undefined,
): EnvironmentDocument {
  return {
    schema: 1,
    id,
    commit: commit.sha,
    incarnation: (before?.document.incarnation ?? 0) + 1,
    phase: 'creating',
    epoch: before?.document.epoch ?? 0,
    provider: { name: session.providerName, config: {} },
    fingerprint: '',
    hosts: [],
    overrides,
    createdAt: session.clock.now().toISOString(),
    pins: {},
    subject: commit.subject,
    author: commit.author,
    ...(commit.ref !== undefined && { ref: commit.ref }),
  };
}
