import { access, constants } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Writable } from 'node:stream';
import type { Container } from 'dockerode';
import type { Tags } from '@clusternator/core/provider';
import { unlessGone } from './answers.ts';
import type { Engine } from './engine.ts';
import { errorOf } from './errors.ts';
import type { Ownership } from './labels.ts';

/** Of nothing: an archive with no files in it ends with two empty blocks. @see https://www.gnu.org/software/tar/manual/html_node/Standard.html */
const EMPTY_ARCHIVE = Buffer.alloc(1024);
const EMPTY_IMAGE = { repo: 'clusternator-empty', tag: '1' } as const;
const INSIDE = '/volume';
const CREATE_SECONDS = 120;

/**
 * The data of the engine's volumes, for who may not look into its folders: through a container that is made and never started, of an image
 * with nothing in it. Neither needs a registry.
 */
export class VolumeArchive {
  constructor(
    private readonly engine: Engine,
    private readonly ours: Ownership,
  ) {}

  /** Where this user can read and write the data of a volume. Undefined: nowhere. */
  async folder(name: string, signal: AbortSignal): Promise<string | undefined> {
    const volume = await this.engine.call(`read the volume ${name}`, signal, (docker, abortSignal) =>
      unlessGone(docker.getVolume(name).inspect({ abortSignal })),
    );
    if (volume?.Driver !== 'local' || volume.Mountpoint === '') return undefined;
    try {
      await access(volume.Mountpoint, constants.R_OK | constants.W_OK | constants.X_OK);
      return volume.Mountpoint;
    } catch {
      return undefined; // of the engine's user alone, or on another machine
    }
  }

  /** Writes all of it, with owners and modes, as an archive. */
  async read(name: string, tags: Tags, target: Writable, signal: AbortSignal): Promise<void> {
    const doing = `read what the volume ${name} holds`;
    await this.with(name, tags, signal, async ({ id }) => {
      const archive = await this.engine.stream(doing, `/containers/${id}/archive`, { path: INSIDE }, signal);
      try {
        await pipeline(archive, target, { signal });
      } catch (cause) {
        throw errorOf(cause, { doing, signal, timeoutSeconds: 0 });
      }
    });
  }

  /** @param archive - As `read` gave it, or of a folder's content. */
  async write(
    name: string,
    tags: Tags,
    archive: Readable,
    signal: AbortSignal,
    of: 'volume' | 'content' = 'volume',
  ): Promise<void> {
    const doing = `fill the volume ${name}`;
    const path = of === 'volume' ? '/' : INSIDE;
    await this.with(name, tags, signal, async (container) => {
      const send = (): Promise<unknown> => container.putArchive(archive, { path });
      await this.engine.call(doing, signal, send, 24 * 3600);
    });
  }

  private async with<T>(
    volume: string,
    tags: Tags,
    signal: AbortSignal,
    use: (container: Container) => Promise<T>,
  ): Promise<T> {
    const image = await this.image(signal);
    const container = await this.engine.call(
      `make a container for the volume ${volume}`,
      signal,
      (docker, abortSignal) =>
        docker.createContainer({
          Image: image,
          Cmd: ['/never-started'],
          Labels: this.ours.labels(tags),
          NetworkDisabled: true,
          HostConfig: { Mounts: [{ Type: 'volume', Source: volume, Target: INSIDE }], AutoRemove: false },
          abortSignal,
        }),
      CREATE_SECONDS,
    );
    try {
      return await use(container);
    } finally {
      const never = new AbortController().signal;
      await this.engine.call(`remove the container of the volume ${volume}`, never, () =>
        unlessGone(container.remove({ force: true })),
      );
    }
  }

  private async image(signal: AbortSignal): Promise<string> {
    const name = `${EMPTY_IMAGE.repo}:${EMPTY_IMAGE.tag}`;
    await this.engine.call('make an empty image', signal, async (docker) => {
      if (await unlessGone(docker.getImage(name).inspect())) return;
      const answer = await docker.importImage(Readable.from([EMPTY_ARCHIVE]), EMPTY_IMAGE);
      for await (const _ of answer);
    });
    return name;
  }
}
