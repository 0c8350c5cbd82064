import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { FilesArtefact, ImageArtefact } from '../artefact/artefact.ts';
import type { ProjectConfig, SiteConfig } from '../config/schema.ts';
import type { OperationRun } from '../engine/operation.ts';
import type { Step } from '../engine/steps.ts';
import type { BoundProvider } from '../host/drivers.ts';
import type { ImageBuilder, Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import type { Call } from '../provider/host.ts';
import { buildInCloud, isBuiltInCloud } from './cloud-build.ts';
import { contentTag, hasRegistry, imageRegistry } from './image-registry.ts';
import type { Artefacts } from './spec.ts';

export const filesArtefactSchema = z.object({ kind: z.literal('files'), digest: z.string(), bytes: z.number() });
const artefactSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('image'), reference: z.string() }),
  filesArtefactSchema,
]);
type Artefact = ImageArtefact | FilesArtefact;

const BUILD_SECONDS = 3600;

/** What the parts of one environment are built from, and for whom. */
export interface BuildInput {
  readonly session: Session;
  readonly config: ProjectConfig;
  readonly source: FilesArtefact;
  /** The environment's resource id. */
  readonly resourceId: string;
  /** Who refers to the artefacts. */
  readonly owner: string;
  /** 40 hex. */
  readonly commit: string;
  /** Writes down that there may be images from now on. */
  readonly noteImages: () => Promise<void>;
  /** Writes down that the cloud may be building a service's image from now on. */
  readonly noteBuild: (service: string) => Promise<void>;
  /** Writes down that a service's image is in a registry, and no more on the engine or being built. */
  readonly notePushed: (service: string, image: ImageArtefact) => Promise<void>;
}

/** The services of a config that run an image. */
export function imageServices(config: ProjectConfig): readonly string[] {
  return Object.entries(config.services).flatMap(([name, { build, image }]) => ((build ?? image) ? [name] : []));
}

/** Those of them that take a Docker Engine to deploy. */
export function engineServices(config: ProjectConfig): readonly string[] {
  return imageServices(config).filter((name) => !isBuiltInCloud(config.services[name]));
}

/** The services of a config whose image may be kept on the engine for an environment. */
export function keptImages(bound: BoundProvider, config: ProjectConfig): readonly string[] {
  const all = engineServices(config);
  return hasRegistry(bound, config) ? all.filter((name) => config.services[name]?.build) : all;
}

/**
 * The tag under which an environment keeps the image of one of its services. The engine is shared by all stages, and by all state folders of
 * the machine: none is to take, or take away, another's.
 */
export function imageTag(
  { project, stage, options }: Pick<Session, 'project' | 'stage' | 'options'>,
  service: string,
  resourceId: string,
): string {
  const home = createHash('sha256').update(options.stateFolder).digest('hex').slice(0, 8);
  return `clusternator/${project}/${service}:${stage}-${home}-${resourceId}`;
}

/** Builds every part, side by side. What was built before an interruption is not built again. */
export async function buildArtefacts(run: OperationRun, input: BuildInput): Promise<Artefacts> {
  const { services, sites } = input.config;
  const images = imageServices(input.config);
  const steps: Step<Artefact>[] = [
    ...images.map((name) => imageStep(run, input, name)),
    ...Object.entries(sites).map(([name, site]) => siteStep(run, input, name, site)),
  ];
  const built = new Map(steps.map(({ id }) => id).map((id, at) => [id, at] as const));
  const results = await run.stepsInParallel(steps);
  const resultOf = (name: string): Artefact | undefined => results[built.get(stepId(name)) ?? -1];
  return {
    services: Object.fromEntries(Object.keys(services).map((name) => [name, resultOf(name) ?? input.source])),
    sites: Object.fromEntries(
      Object.keys(sites).flatMap((name) => {
        const artefact = resultOf(name);
        return artefact?.kind === 'files' ? [[name, artefact]] : [];
      }),
    ),
  };
}

function imageStep(run: OperationRun, input: BuildInput, name: string): Step<Artefact> {
  const { session, config, resourceId } = input;
  const service = config.services[name];
  return {
    id: stepId(name),
    title: service?.build ? `build ${name}` : `fetch the image of ${name}`,
    result: artefactSchema,
    deadlineSeconds: BUILD_SECONDS,
    run: hidingSecrets(session, async (call) => {
      if (isBuiltInCloud(service)) return buildInCloud(input, name, outputOf(run, session, name), call);
      const docker = await engineFor(session, name);
      const registry = await imageRegistry(session, config);
      const tag = imageTag(session, name, resourceId);
      if (!service?.build) {
        const image = (service?.image ?? '').replaceAll('{sha}', input.commit);
        if (registry) return docker.resolve(image, call.signal);
        await input.noteImages();
        return docker.pin(image, tag, call.signal);
      }
      const repository = await registry?.repository(name, call);
      await input.noteImages();
      const built = await docker.build({
        name,
        tree: await session.artefacts.folder(input.source),
        context: service.build.context,
        dockerfile: service.build.dockerfile,
        tag,
        labels: {
          clusternator_project: session.project,
          clusternator_service: name,
          // In a registry it is this life's alone: what two had built alike, one would remove under the other.
          ...(repository && { clusternator_environment: resourceId }),
        },
        ...(repository?.platform !== undefined && { platform: repository.platform }),
        signal: call.signal,
        onOutput: outputOf(run, session, name),
      });
      if (!repository) return built;
      const pushed = await docker.push(built, repository, contentTag(built), call.signal);
      await docker.untag(tag, call.signal); // the builder's own cache stays
      await input.notePushed(name, pushed);
      return pushed;
    }),
  };
}

/** @throws ProviderError `unsupported`: no engine answers. */
async function engineFor(session: Session, service: string): Promise<ImageBuilder> {
  try {
    return await session.docker();
  } catch (error) {
    if (!ProviderError.is(error) || error.code !== 'unavailable') throw error;
    throw new ProviderError('unsupported', `service ${service} runs from an image: ${error.message}`, {
      ...error.detail,
      path: `services.${service}`,
      cause: error,
    });
  }
}

function siteStep(run: OperationRun, input: BuildInput, name: string, site: SiteConfig): Step<Artefact> {
  const { session, owner, config } = input;
  return {
    id: stepId(name),
    title: `build ${name}`,
    result: artefactSchema,
    deadlineSeconds: BUILD_SECONDS,
    run: hidingSecrets(session, async (call) =>
      session.buildSite({
        name,
        tree: await session.artefacts.folder(input.source),
        site,
        owner,
        cache: config.cache,
        signal: call.signal,
        onOutput: outputOf(run, session, name),
      }),
    ),
  };
}

function stepId(name: string): string {
  return `build/${name}`;
}
function outputOf(run: OperationRun, session: Session, source: string): (text: string) => void {
  return (text) => {
    session.emit({ type: 'output', operation: run.id, source, text: session.redact(text) });
  };
}

/** The error of a build ends with its last lines, and is written down. */
function hidingSecrets<T>(session: Session, work: (call: Call) => Promise<T>): (call: Call) => Promise<T> {
  return async (call) => {
    try {
      return await work(call);
    } catch (error) {
      const message = ProviderError.is(error) ? session.redact(error.message) : undefined;
      if (!ProviderError.is(error) || message === undefined || message === error.message) throw error;
      const { cause: _, ...detail } = error.detail; // it has the same lines
      throw new ProviderError(error.code, message, detail);
    }
  };
}
