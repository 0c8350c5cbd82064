import { z } from 'zod';
import { imageTag } from '../environment/build.ts';
import type { Claim } from '../environment/claim.ts';
import { projectHosts } from '../environment/deployed-config.ts';
import type { Environment } from '../environment/environment.ts';
import { artefactOwner, lifeDetails, resourceIdOf } from '../environment/life.ts';
import { keepRecords } from '../environment/records.ts';
import { makeEnvironment, verifyHealth } from '../environment/settle.ts';
import { environmentSpec, type Artefacts } from '../environment/spec.ts';
import { unmadeVolumes, volumeSpecs, type NamedVolume } from '../environment/volumes.ts';
import { errorRecord } from '../engine/journal.ts';
import type { OperationRun } from '../engine/operation.ts';
import { standOnFoundation } from '../foundation/stand-on.ts';
import { driverOf, type BoundProvider } from '../host/drivers.ts';
import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import { ENVIRONMENTS } from '../provider/tokens.ts';
import type { EnvironmentDocument } from '../state/documents.ts';
import type { Stored } from '../state/document-store.ts';
import { scriptPrint } from '../storage/script-print.ts';
import type { Volume } from '../storage/storage.ts';
import { currentId, makeVolumes, type VolumeWork } from '../storage/volumes.ts';
import { withSlotSettings, type SlotSettings } from './settings.ts';

const MAKE_SECONDS = 3600;
const environmentSchema = z.custom<Environment>((value) => typeof value === 'object' && value !== null);

/** A slot's own environment in the making: by a promotion, or ahead of one. */
export interface BoundWork {
  readonly session: Session;
  readonly run: OperationRun;
  readonly settings: SlotSettings;
  readonly slot: string;
  /** The environment whose artefacts it is made of. */
  readonly source: string;
  /** Of a promotion: the slot's disks go to it. Left out: those that another environment holds are refused. */
  readonly disks?: {
    take(to: string, ids: readonly string[]): Promise<void>;
    start(made: EnvironmentDocument, environment: Environment): Promise<void>;
  };
}

/** @throws ProviderError `unhealthy`; what its provider throws. It stays, failed, for its logs, and gc collects it. */
export async function makeBound(work: BoundWork, claim: Claim): Promise<void> {
  try {
    await makeAll(work, claim);
  } catch (error) {
    if (!work.run.signal.aborted) {
      await work.session.briefly(`write environment ${claim.document.id}`, (call) =>
        claim.release((now) => ({ ...now, phase: 'failed', error: errorRecord(error) }), call),
      );
    }
    throw error;
  }
}

/** Its document as it begins: a life of its own. */
export async function firstDocument(
  work: BoundWork,
  { id, settings }: { readonly id: string; readonly settings: string },
  before: Stored<EnvironmentDocument> | undefined,
): Promise<EnvironmentDocument> {
  const { session, slot } = work;
  const source = await sourceOf(work);
  return {
    schema: 1,
    id,
    commit: source.commit,
    slot,
    settings,
    incarnation: (before?.document.incarnation ?? 0) + 1,
    phase: 'creating',
    epoch: before?.document.epoch ?? 0,
    provider: source.provider,
    fingerprint: '',
    hosts: [],
    config: work.settings.config,
    createdAt: session.clock.now().toISOString(),
    pins: {},
    ...(source.ref !== undefined && { ref: source.ref }),
    ...(source.mirror !== undefined && { mirror: source.mirror }),
    // Before anything is made of them: whoever destroys the source looks who needs them.
    ...(source.pushed && { pushed: source.pushed }),
    ...(source.subject !== undefined && { subject: source.subject }),
    ...(source.author !== undefined && { author: source.author }),
  };
}

/** Makes it of the artefacts of its source, up to that it answers, and lets go of it as ready. Nothing is built. */
async function makeAll(work: BoundWork, claim: Claim): Promise<void> {
  const { session, run, settings, slot } = work;
  const { document } = claim;
  const source = await sourceOf(work);
  const resourceId = resourceIdOf(document);
  const config = withSlotSettings(settings.config, settings.slot);
  await session.useSecrets(config, session.options.directory);
  const bound = await session.bind(document.provider);
  const own = await session.briefly('choose host names', (call) =>
    projectHosts(session, document.id, settings.domain, call),
  );
  const shared = settings.mechanism === 'router' && bound.capabilities['slots.shared']?.can === 'yes';
  const hosts = shared ? own : [...own, ...settings.slot.hosts];
  const volumes = volumeSpecs(session, config, resourceId, slot);
  const write = (change: (now: EnvironmentDocument) => EnvironmentDocument): Promise<void> =>
    session.briefly(`write environment ${document.id}`, (call) => claim.write(change, call));
  await write((now) => ({
    ...now,
    hosts: [...hosts],
    ...(source.images && { images: source.images }),
    ...(volumes.length > 0 && { volumes: volumes.filter(({ isOwn }) => isOwn).map(({ spec }) => spec.id) }),
  }));
  await standOnFoundation(session, document.provider, config);
  const artefacts = await keepArtefacts(work, source, resourceId);
  const { commit, incarnation, id } = document;
  const { project, stage } = session;
  const details = lifeDetails(document, { overrides: source.overrides });
  const identity = { project, stage, id, resourceId, commit, incarnation, hosts, slot, details };
  const forWhom = {
    session,
    run,
    provider: document.provider,
    environment: document.id,
    commit,
    slot,
    services: environmentSpec(identity, config, artefacts, unmadeVolumes(volumes)).services,
    scriptPrint: async (command: readonly string[]) => scriptPrint(command, await checkout(work, artefacts)),
  };
  // What the head holds comes last: from then on it does not answer.
  const [disks, others] = partition(volumes, isSlotDisk);
  const made = await makeNamed(forWhom, others);
  await work.disks?.take(document.id, await Promise.all(disks.map(({ spec }) => currentId(session, spec.id))));
  const spec = environmentSpec(identity, config, artefacts, { ...made, ...(await makeNamed(forWhom, disks)) });
  await write((now) => ({ ...now, spec, fingerprint: spec.fingerprint }));
  const driver = await driverOf(bound, ENVIRONMENTS, 'environments');
  const environment = await run.step({
    id: `environment/${resourceId}`,
    title: `start ${document.id}`,
    result: environmentSchema,
    deadlineSeconds: MAKE_SECONDS,
    ...errorsOf(bound),
    run: (call) => makeEnvironment(session, driver, spec, call, keepRecords(session, claim, call)),
  });
  await work.disks?.start(claim.document, environment);
  await run.step({
    id: `verify/${resourceId}`,
    title: 'check that it answers',
    result: z.undefined(),
    deadlineSeconds: MAKE_SECONDS,
    ...errorsOf(bound),
    run: (call) => verifyHealth(session, driver, spec, environment, call),
  });
  const readyAt = session.clock.now().toISOString();
  await session.briefly(`write environment ${document.id}`, (call) =>
    claim.release(({ error: _, ...now }) => ({ ...now, phase: 'ready', environment, readyAt }), call),
  );
}

async function makeNamed(work: VolumeWork, wanted: readonly NamedVolume[]): Promise<Readonly<Record<string, Volume>>> {
  const made = await makeVolumes(work, wanted);
  return Object.fromEntries(
    wanted.flatMap(({ name }, at) => {
      const volume = made[at];
      return volume ? [[name, volume] as const] : [];
    }),
  );
}

function isSlotDisk({ config: { kind, scope } }: NamedVolume): boolean {
  return kind === 'disk' && scope === 'slot';
}

function partition<T>(all: readonly T[], isFirst: (one: T) => boolean): readonly [readonly T[], readonly T[]] {
  return [all.filter(isFirst), all.filter((one) => !isFirst(one))];
}

/** What serves is what was verified: the same digests, kept for one more. */
async function keepArtefacts(
  { session }: BoundWork,
  source: EnvironmentDocument,
  resourceId: string,
): Promise<Artefacts> {
  const services = Object.entries(source.spec?.services ?? {}).map(([name, { artefact }]) => [name, artefact] as const);
  const sites = Object.entries(source.spec?.sites ?? {}).map(([name, { artefact }]) => [name, artefact] as const);
  const owner = artefactOwner(session, resourceId);
  const files = [...services, ...sites].flatMap(([, artefact]) => (artefact.kind === 'files' ? [artefact.digest] : []));
  for (const digest of new Set(files)) session.artefacts.reference(digest, owner);
  const images = services.filter(([name]) => source.images?.includes(name));
  if (images.length > 0) {
    const docker = await session.docker();
    for (const [name, artefact] of images) {
      if (artefact.kind !== 'image') continue;
      await session.briefly(
        `keep the image of ${name}`,
        (call) => docker.pin(artefact.reference, imageTag(session, name, resourceId), call.signal),
        MAKE_SECONDS,
      );
    }
  }
  return { services: Object.fromEntries(services), sites: Object.fromEntries(sites) };
}

/** The folder of the commit's files, where one of its services runs from them. */
async function checkout({ session }: BoundWork, { services }: Artefacts): Promise<string | undefined> {
  const files = Object.values(services).find(({ kind }) => kind === 'files');
  return files?.kind === 'files' ? session.artefacts.folder(files) : undefined;
}

async function sourceOf({ session, source }: BoundWork): Promise<EnvironmentDocument> {
  const found = await session.briefly(`read environment ${source}`, (call) =>
    session.documents.environments.get(source, call),
  );
  if (found?.document.spec) return found.document;
  throw new ProviderError('unhealthy', `environment ${source} is ${found?.document.phase ?? 'gone'}`, {
    hint: `clusternator env create --sha ${source.slice(0, 12)}`,
  });
}

function errorsOf(bound: BoundProvider): { errorOf: BoundProvider['provider']['errorOf'] } {
  return { errorOf: (cause) => bound.provider.errorOf(cause) };
}
