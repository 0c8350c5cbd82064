import { z } from 'zod';
import type { ProjectConfig } from '../config/schema.ts';
import type { OperationRun } from '../engine/operation.ts';
import { standOnFoundation } from '../foundation/stand-on.ts';
import { driverOf, type BoundProvider } from '../host/drivers.ts';
import type { Session } from '../host/session.ts';
import { ENVIRONMENTS } from '../provider/tokens.ts';
import type { EnvironmentDocument } from '../state/documents.ts';
import { scriptPrint } from '../storage/script-print.ts';
import type { Volume } from '../storage/storage.ts';
import { makeVolumes } from '../storage/volumes.ts';
import { buildArtefacts, filesArtefactSchema, keptImages, type BuildInput } from './build.ts';
import type { Claim } from './claim.ts';
import { createInputSchema } from './create-input.ts';
import { deployedConfig, projectHosts } from './deployed-config.ts';
import type { Environment } from './environment.ts';
import { artefactOwner, lifeDetails, resourceIdOf } from './life.ts';
import { keepRecords } from './records.ts';
import { makeEnvironment, verifyHealth } from './settle.ts';
import { environmentSpec } from './spec.ts';
import { sourceWarnings } from './source-warnings.ts';
import { unmadeVolumes, volumeSpecs } from './volumes.ts';

const SOURCE_SECONDS = 1800;
const ENVIRONMENT_SECONDS = 3600;

const sourceSchema = z.object({ artefact: filesArtefactSchema, warnings: z.array(z.string()) });
const configSchema = z.custom<ProjectConfig>((value) => typeof value === 'object' && value !== null);
const environmentSchema = z.custom<Environment>((value) => typeof value === 'object' && value !== null);

/**
 * Makes what the claimed environment's document promises. Whatever may be left behind is written into the document before it is made, so
 * that destroying goes by the document alone.
 * @returns What is to be told beside the result.
 */
export async function makeClaimed(session: Session, run: OperationRun, claim: Claim): Promise<readonly string[]> {
  const input = createInputSchema.parse(run.document.input);
  const resourceId = resourceIdOf(claim.document);
  const owner = artefactOwner(session, resourceId);
  const write = (change: (document: EnvironmentDocument) => EnvironmentDocument): Promise<void> =>
    session.briefly(`write environment ${claim.document.id}`, (call) => claim.write(change, call));

  const source = await run.step({
    id: 'source',
    title: `check out ${input.commit.sha.slice(0, 12)}`,
    result: sourceSchema,
    deadlineSeconds: SOURCE_SECONDS,
    async run() {
      const repository = await session.repository(input.repository);
      const { commit } = input;
      await write((document) => ({ ...document, mirror: repository.mirror.folder }));
      const tree = await session.artefacts.addTree(commit.tree, owner, (folder) => repository.checkout(commit, folder));
      return { artefact: tree.artefact, warnings: sourceWarnings(tree.notes) };
    },
  });
  const config = await run.step({
    id: 'config',
    title: 'read the config',
    result: configSchema,
    deadlineSeconds: 60,
    run: async () => deployedConfig(session, input, await session.artefacts.folder(source.artefact)),
  });
  await session.useSecrets(config, input.repository);
  const bound = await session.bind(config.provider);
  const hosts = await session.briefly('choose host names', (call) =>
    projectHosts(session, claim.document.id, bound.provider.domain ?? config.domain, call),
  );
  const volumes = volumeSpecs(session, config, resourceId);
  const images = keptImages(bound, config);
  const ttlSeconds = input.ttlSeconds ?? config.environments.ttlSeconds;
  await write((document) => ({
    ...document,
    provider: { name: config.provider.name, config: z.json().parse(config.provider.config) },
    hosts: [...hosts],
    config,
    ...(volumes.length > 0 && { volumes: volumes.filter(({ isOwn }) => isOwn).map(({ spec }) => spec.id) }),
  }));

  // After the document names the provider: whoever destroys what it is to stand on sees that by then.
  await standOnFoundation(session, config.provider, config);

  let noted: Promise<void> | undefined;
  const noteImages = (): Promise<void> => (noted ??= write((document) => ({ ...document, images: [...images] })));
  const notePushed: BuildInput['notePushed'] = (service, { reference }) =>
    write(({ images: kept = [], builds = [], pushed = [], ...document }) => {
      const building = builds.filter((name) => name !== service);
      return {
        ...document,
        images: kept.filter((name) => name !== service),
        ...(building.length > 0 && { builds: building }),
        pushed: [...new Set([...pushed, reference])],
      };
    });
  const noteBuild = (service: string): Promise<void> =>
    write(({ builds = [], ...document }) => ({ ...document, builds: [...new Set([...builds, service])] }));
  const content = { session, config, source: source.artefact, commit: input.commit.sha };
  const artefacts = await buildArtefacts(run, {
    ...content,
    ...{ resourceId, owner, noteImages, noteBuild, notePushed },
  });
  const identity = {
    project: session.project,
    stage: session.stage,
    id: claim.document.id,
    resourceId,
    commit: input.commit.sha,
    incarnation: claim.document.incarnation,
    hosts,
    details: lifeDetails(claim.document, { overrides: claim.document.overrides, ttlSeconds }),
  };
  const made = await makeVolumes(
    {
      session,
      run,
      provider: config.provider,
      environment: claim.document.id,
      commit: input.commit.sha,
      services: environmentSpec(identity, config, artefacts, unmadeVolumes(volumes)).services,
      scriptPrint: async (command) => scriptPrint(command, await session.artefacts.folder(source.artefact)),
    },
    volumes,
  );
  const mounted = Object.fromEntries(volumes.map(({ name }, at): [string, Volume | undefined] => [name, made[at]]));
  const spec = environmentSpec(identity, config, artefacts, definedValues(mounted));
  await write((document) => ({ ...document, spec, fingerprint: spec.fingerprint }));

  const driver = await driverOf(bound, ENVIRONMENTS, 'environments');
  const environment = await run.step({
    id: 'environment',
    title: `start ${[...Object.keys(spec.services), ...Object.keys(spec.sites)].join(', ')}`,
    result: environmentSchema,
    deadlineSeconds: ENVIRONMENT_SECONDS,
    ...errorsOf(bound),
    run: (call) => makeEnvironment(session, driver, spec, call, keepRecords(session, claim, call)),
  });
  await run.step({
    id: 'verify',
    title: 'check that it answers',
    result: z.undefined(),
    deadlineSeconds: ENVIRONMENT_SECONDS,
    ...errorsOf(bound),
    run: (call) => verifyHealth(session, driver, spec, environment, call),
  });
  const now = session.clock.now();
  await session.briefly(`write environment ${claim.document.id}`, (call) =>
    claim.release(
      ({ error: _, ...document }) => ({
        ...document,
        phase: 'ready',
        environment,
        readyAt: now.toISOString(),
        ...(ttlSeconds !== undefined && { expiresAt: new Date(now.getTime() + ttlSeconds * 1000).toISOString() }),
      }),
      call,
    ),
  );
  return source.warnings;
}

function errorsOf(bound: BoundProvider): { errorOf: BoundProvider['provider']['errorOf'] } {
  return { errorOf: (cause) => bound.provider.errorOf(cause) };
}

function definedValues<T>(record: Readonly<Record<string, T | undefined>>): Record<string, T> {
  return Object.fromEntries(
    Object.entries(record).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
}
