import { z } from 'zod';
import type { OperationRun } from '../engine/operation.ts';
import { Claim } from '../environment/claim.ts';
import type { Environment, EnvironmentSpec } from '../environment/environment.ts';
import { resourceIdOf } from '../environment/life.ts';
import { keepRecords } from '../environment/records.ts';
import { destroyUntilGone, makeEnvironment, verifyHealth } from '../environment/settle.ts';
import { driverOf } from '../host/drivers.ts';
import type { Session } from '../host/session.ts';
import { fingerprint } from '../names/fingerprint.ts';
import { tagsFor } from '../names/tags.ts';
import { ProviderError } from '../provider/error.ts';
import { ENVIRONMENTS } from '../provider/tokens.ts';
import type { EnvironmentDocument } from '../state/documents.ts';
import type { Volume } from './storage.ts';

const STEP_SECONDS = 3600;
const environmentSchema = z.custom<Environment>((value) => typeof value === 'object' && value !== null);

/** Stops an environment and starts it again with another volume in the place of one. */
export async function remount(
  session: Session,
  run: OperationRun,
  { id }: EnvironmentDocument,
  from: string,
  to: Volume,
): Promise<void> {
  const claim = await claimed(session, run, id);
  const { spec: former, environment: running, provider } = claim.document;
  if (!former) return;
  const bound = await session.bind(provider);
  const driver = await driverOf(bound, ENVIRONMENTS, 'environments');
  const spec = withVolume(session, former, from, to);
  const errorOf = (cause: unknown): ProviderError | undefined => bound.provider.errorOf(cause);
  await run.step({
    id: `stop/${id}`,
    title: `stop ${id}`,
    result: z.undefined(),
    deadlineSeconds: STEP_SECONDS,
    errorOf,
    run: async (call) => {
      const ref = { id: resourceIdOf(claim.document), ...(running && { handle: running.handle }) };
      await destroyUntilGone(session, 'environment', driver, ref, call);
      return undefined;
    },
  });
  await session.briefly(`write environment ${id}`, (call) =>
    claim.write(
      (now) => ({
        ...now,
        spec,
        fingerprint: spec.fingerprint,
        volumes: [...new Set([...(now.volumes ?? []), to.id])],
      }),
      call,
    ),
  );
  if (claim.document.config) await session.useSecrets(claim.document.config, session.options.directory);
  const environment = await run.step({
    id: `start/${id}`,
    title: `start ${id} on ${to.id}`,
    result: environmentSchema,
    deadlineSeconds: STEP_SECONDS,
    errorOf,
    run: (call) => makeEnvironment(session, driver, spec, call, keepRecords(session, claim, call)),
  });
  await run.step({
    id: `check/${id}`,
    title: `check that ${id} answers`,
    result: z.undefined(),
    deadlineSeconds: STEP_SECONDS,
    errorOf,
    run: (call) => verifyHealth(session, driver, spec, environment, call),
  });
  await session.briefly(`write environment ${id}`, (call) => claim.release((now) => ({ ...now, environment }), call));
}

async function claimed(session: Session, run: OperationRun, id: string): Promise<Claim> {
  const found = await session.briefly(`read environment ${id}`, (call) => session.documents.environments.get(id, call));
  const owner = found?.document.owner?.operation;
  if (!found || (owner !== undefined && owner !== run.id)) {
    throw new ProviderError('conflict', `environment ${id} is in the hand of another operation`, {
      effect: 'none',
      hint: `clusternator env show ${id}`,
    });
  }
  return session.briefly(`claim environment ${id}`, (call) => Claim.take(session, found, found.document, run, call));
}

/** The spec of an environment that goes on with another volume in the place of one. */
export function withVolume(
  session: Pick<Session, 'project' | 'stage'>,
  spec: EnvironmentSpec,
  from: string,
  to: Volume,
): EnvironmentSpec {
  const services = Object.fromEntries(
    Object.entries(spec.services).map(([name, service]) => {
      const mounts = Object.entries(service.mounts).map(
        ([path, mount]) => [path, mount.volume.id === from ? { ...mount, volume: to } : mount] as const,
      );
      return [name, { ...service, mounts: Object.fromEntries(mounts) }] as const;
    }),
  );
  const print = fingerprint({ before: spec.fingerprint, from, to: to.id });
  // What else the tags tell stays.
  const { clusternator_fingerprint = print } = tagsFor(session, {
    type: 'environment',
    id: spec.id,
    fingerprint: print,
  });
  const tags = { ...spec.tags, clusternator_fingerprint };
  return { ...spec, services, fingerprint: print, tags };
}
