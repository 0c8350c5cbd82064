import type { ImageArtefact } from '../artefact/artefact.ts';
import type { ImageDriver } from '../artefact/images.ts';
import type { ServiceConfig } from '../config/schema.ts';
import { retrying } from '../engine/retry.ts';
import { driverOf, type BoundProvider } from '../host/drivers.ts';
import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import type { Call } from '../provider/host.ts';
import { IMAGES } from '../provider/tokens.ts';
import type { EnvironmentDocument } from '../state/documents.ts';
import type { BuildInput } from './build.ts';
import { asked } from './image-registry.ts';

const DISCARD_SECONDS = 600;

type Builder = ImageDriver & Required<Pick<ImageDriver, 'build' | 'discard'>>;

/** Whether the provider's own builder builds its image, and no Docker Engine. */
export function isBuiltInCloud(service: ServiceConfig | undefined): boolean {
  return service?.build?.on !== undefined;
}

/** @throws ProviderError `unhealthy` (the build failed: with its last lines), `unsupported`, and what the cloud says. */
export async function buildInCloud(
  { session, config, source, resourceId, noteBuild, notePushed }: BuildInput,
  service: string,
  onOutput: (line: string) => void,
  call: Call,
): Promise<ImageArtefact> {
  const { context = '.', dockerfile = 'Dockerfile' } = config.services[service]?.build ?? {};
  const bound = await session.bind(config.provider);
  const driver = await builderOf(bound, service);
  await noteBuild(service);
  const spec = {
    ...{ environment: resourceId, service, source, context, dockerfile },
    labels: {
      clusternator_project: session.project,
      clusternator_service: service,
      // It is this life's alone: what two had built alike, one would remove under the other.
      clusternator_environment: resourceId,
    },
  };
  const image = await retrying(
    () => driver.build(spec, onOutput, call),
    asked(session, bound, `build service ${service}`, call),
  );
  await notePushed(service, image);
  return image;
}

/** Ends what is being built for an environment, and removes what nobody was told of. */
export async function discardBuilds(
  session: Session,
  resourceId: string,
  { provider, builds = [] }: Pick<EnvironmentDocument, 'provider'> & { readonly builds?: readonly string[] },
): Promise<void> {
  if (builds.length === 0) return;
  const bound = await session.bind(provider);
  for (const service of builds) {
    const doing = `end the build of service ${service}`;
    const driver = await builderOf(bound, service);
    const owner = { environment: resourceId, service };
    await session.briefly(
      doing,
      (call) => retrying(() => driver.discard(owner, call), asked(session, bound, doing, call)),
      DISCARD_SECONDS,
    );
  }
}

/** @throws ProviderError `unsupported`: the provider builds no images. */
async function builderOf(bound: BoundProvider, service: string): Promise<Builder> {
  const driver = await driverOf(bound, IMAGES, 'images');
  if (canBuild(driver)) return driver;
  throw new ProviderError('unsupported', `the provider builds no image for service ${service}`, {
    path: `services.${service}.build.on`,
    hint: 'leave it out, for the Docker Engine at hand',
  });
}

function canBuild(driver: ImageDriver): driver is Builder {
  return driver.build !== undefined && driver.discard !== undefined;
}
