import { z } from 'zod';
import { ProviderError } from '../provider/error.ts';
import { cancelled } from '../source/git.ts';
import type { Variables } from '../source/git.ts';
import type { ImageArtefact } from './artefact.ts';
import { buildOnEngine } from './build-image.ts';
import type { ImageBuild } from './build-image.ts';
import { dockerError } from './docker-engine.ts';
import type { DockerEngine } from './docker-engine.ts';
import type { EngineClient } from './engine-client.ts';
import { EngineFailure, followMessages } from './engine-stream.ts';
import { isImageName, splitTag } from './image-name.ts';
import type { Repository } from './images.ts';
import { headerOf, loginFor, registryOf } from './registry-login.ts';

/** An image on the engine. */
export interface EngineImage {
  readonly id: string;
  readonly tags: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly bytes: number;
}

/** Where an image goes. */
export type PushTarget = Pick<Repository, 'name'> & Partial<Repository>;

const labelsSchema = z.record(z.string(), z.string()).nullish();
const imageSchema = z.object({ Id: z.string(), Config: z.object({ Labels: labelsSchema }) });
const imagesSchema = z.array(
  z.object({ Id: z.string(), RepoTags: z.array(z.string()).nullish(), Labels: labelsSchema, Size: z.number() }),
);
/** @see https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Distribution */
const distributionSchema = z.object({ Descriptor: z.object({ digest: z.string() }) });
const containersSchema = z.array(z.object({ Id: z.string(), Names: z.array(z.string()) }));

/** Images on the Docker Engine, pinned by their id. A tag keeps an image for as long as somebody needs it. */
export class EngineImages {
  constructor(
    private readonly engine: DockerEngine,
    private readonly env: Variables,
  ) {}

  /** Builds an image and tags it. One with this tag and these labels is taken as it is.
   *  @throws ProviderError `invalid` (with the build's last lines), `unavailable`, `quota`, `cancelled`. */
  async build(build: ImageBuild): Promise<ImageArtefact> {
    const known = await this.inspect(build.tag, build.signal);
    if (known && hasLabels(known.Config.Labels, build.labels)) return imageArtefact(known.Id);
    return imageArtefact(await buildOnEngine(this.engine, build, this.env));
  }

  /** An image that exists already, by what it is now: pulled where it is not here, and kept under `tag`.
   *  @throws ProviderError `not-found`, `denied`, `unavailable`, `cancelled`. */
  async pin(image: string, tag: string, signal: AbortSignal): Promise<ImageArtefact> {
    if (!isImageName(image))
      throw new ProviderError('invalid', `${JSON.stringify(image)} is not the name of an image`, { path: image });
    const kept = await this.inspect(tag, signal);
    if (kept) return imageArtefact(kept.Id);
    const here = await this.inspect(image, signal);
    const id = here?.Id ?? (await this.pull(image, signal)).reference;
    await this.tag(id, tag, signal);
    return imageArtefact(id);
  }

  /** Fetches an image from its registry, with the login that Docker has for it. */
  async pull(image: string, signal: AbortSignal, onOutput?: (line: string) => void): Promise<ImageArtefact> {
    const doing = `pull ${image}`;
    const login = await loginFor(registryOf(image), this.env);
    await this.ask(doing, signal, async (client) => {
      const headers = { 'X-Registry-Auth': headerOf(login ?? {}) };
      const query = image.includes('@')
        ? { fromImage: image }
        : { fromImage: splitTag(image).repo, tag: splitTag(image).tag };
      const answer = await client.send({ method: 'POST', path: '/images/create', query, headers, signal });
      await followMessages(answer, {
        message({ status, id, progressDetail }) {
          if (status !== undefined && !progressDetail?.total)
            onOutput?.(id === undefined ? status : `${id}: ${status}`);
        },
        output: () => undefined,
      });
    });
    const pulled = await this.inspect(image, signal);
    if (pulled) return imageArtefact(pulled.Id);
    throw new ProviderError('unavailable', `the Docker Engine pulled ${image}, and does not have it`, {
      retry: 'safe',
    });
  }

  /** An image that exists already, by the digest that its name has in its registry now. It is not fetched.
   *  @throws ProviderError `not-found`, `denied`, `unavailable`, `cancelled`. */
  async resolve(image: string, signal: AbortSignal): Promise<ImageArtefact> {
    if (!isImageName(image) || image.startsWith('sha256:'))
      throw new ProviderError('invalid', `${JSON.stringify(image)} is not the name of an image`, { path: image });
    if (image.includes('@')) return imageArtefact(image);
    const login = await loginFor(registryOf(image), this.env);
    const headers = { 'X-Registry-Auth': headerOf(login ?? {}) };
    const request = { path: `/distribution/${image}/json`, headers, signal };
    const told = await this.ask(`look for ${image} in its registry`, signal, (client) =>
      client.json(distributionSchema, request),
    );
    return imageArtefact(`${splitTag(image).repo}@${told.Descriptor.digest}`);
  }

  /** Pushes an image to where environments of a cloud take it from: without a login, with the one that Docker has. @returns It, by digest. */
  async push(image: ImageArtefact, repository: PushTarget, tag: string, signal: AbortSignal): Promise<ImageArtefact> {
    const { name, username, password } = repository;
    const login = username === undefined ? await loginFor(registryOf(name), this.env) : { username, password };
    const target = `${name}:${tag}`;
    await this.tag(image.reference, target, signal);
    let digest: string | undefined;
    try {
      await this.ask(`push to ${name}`, signal, async (client) => {
        const headers = { 'X-Registry-Auth': headerOf({ ...login, serveraddress: registryOf(name) }) };
        const answer = await client.send({
          method: 'POST',
          path: `/images/${name}/push`,
          query: { tag },
          headers,
          signal,
        });
        await followMessages(answer, {
          message({ aux }) {
            digest = aux?.Digest ?? digest;
          },
          output: () => undefined,
        });
      });
    } finally {
      await this.untag(target, new AbortController().signal);
    }
    if (digest !== undefined) return imageArtefact(`${name}@${digest}`);
    throw new ProviderError('unavailable', `the registry of ${name} did not say what was pushed`, { retry: 'safe' });
  }

  async tag(image: string, tag: string, signal: AbortSignal): Promise<void> {
    const request = { method: 'POST', path: `/images/${image}/tag`, query: { ...splitTag(tag) }, signal } as const;
    await this.ask(`tag ${image}`, signal, (client) => client.do(request));
  }

  /** Takes a tag away, and the image with it where it was the last one. One that is gone is gone.
   *  @throws ProviderError `conflict`: a container still uses the image. */
  async untag(tag: string, signal: AbortSignal): Promise<void> {
    try {
      await this.ask(`remove image ${tag}`, signal, (client) =>
        client.do({ method: 'DELETE', path: `/images/${tag}`, signal }),
      );
    } catch (error) {
      if (ProviderError.is(error) && error.code === 'not-found') return;
      if (!ProviderError.is(error) || error.code !== 'conflict') throw error;
      const users = await this.containersOf(tag, signal);
      throw new ProviderError('conflict', `image ${tag} is still used by ${users.join(', ') || 'a container'}`, {
        effect: 'none',
        hint: 'it goes once they are removed',
        cause: error,
      });
    }
  }

  /** All images with these labels, also those that lost their tags. */
  async list(labels: Readonly<Record<string, string>>, signal: AbortSignal): Promise<readonly EngineImage[]> {
    const filters = { label: Object.entries(labels).map(([name, value]) => `${name}=${value}`) };
    const request = { path: '/images/json', query: { filters: JSON.stringify(filters) }, signal };
    const images = await this.ask('list images', signal, (client) => client.json(imagesSchema, request));
    return images.map(({ Id, RepoTags, Labels, Size }) => ({
      id: Id,
      tags: RepoTags?.filter((tag) => tag !== '<none>:<none>') ?? [],
      labels: Labels ?? {},
      bytes: Size,
    }));
  }

  private async inspect(image: string, signal: AbortSignal): Promise<z.output<typeof imageSchema> | undefined> {
    try {
      const request = { path: `/images/${image}/json`, signal };
      return await this.ask(`look at image ${image}`, signal, (client) => client.json(imageSchema, request));
    } catch (error) {
      if (ProviderError.is(error) && error.code === 'not-found') return undefined;
      throw error;
    }
  }

  private async containersOf(image: string, signal: AbortSignal): Promise<readonly string[]> {
    const query = { all: '1', filters: JSON.stringify({ ancestor: [image] }) };
    const request = { path: '/containers/json', query, signal };
    const containers = await this.ask('list containers', signal, (client) => client.json(containersSchema, request));
    return containers.map(({ Names, Id }) => `container ${Names[0]?.slice(1) ?? Id.slice(0, 12)}`);
  }

  private async ask<T>(doing: string, signal: AbortSignal, work: (client: EngineClient) => Promise<T>): Promise<T> {
    if (signal.aborted) throw cancelled(signal, doing);
    try {
      return await work(this.engine.client);
    } catch (error) {
      if (wasAborted(signal)) throw cancelled(signal, doing);
      if (error instanceof EngineFailure) throw registryError(error, doing);
      throw dockerError(error, doing);
    }
  }
}

/** It may have changed since it was last asked. */
const wasAborted = (signal: AbortSignal): boolean => signal.aborted;

function imageArtefact(reference: string): ImageArtefact {
  return { kind: 'image', reference };
}

function hasLabels(
  labels: Readonly<Record<string, string>> | null | undefined,
  wanted: Readonly<Record<string, string>>,
): boolean {
  return Object.entries(wanted).every(([name, value]) => labels?.[name] === value);
}

/** What a registry said, passed on by the engine as text alone. */
function registryError(error: EngineFailure, doing: string): ProviderError {
  const message = `could not ${doing}: ${error.message}`;
  if (message.includes('no space left on device')) return new ProviderError('quota', message, { cause: error });
  if (/unauthorized|denied|forbidden|no basic auth/i.test(message)) {
    return new ProviderError('denied', message, { hint: 'see that this works by itself: docker login', cause: error });
  }
  if (/not found|manifest unknown|no matching manifest/i.test(message))
    return new ProviderError('not-found', message, { cause: error });
  return new ProviderError('unavailable', message, { retry: 'safe', cause: error });
}
