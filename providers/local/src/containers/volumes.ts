import type { VolumeInspectInfo } from 'dockerode';
import { ProviderError, type Tags } from '@clusternator/core/provider';
import { unlessGone } from './answers.ts';
import type { Engine } from './engine.ts';
import { statusOf } from './errors.ts';
import type { EngineVolume } from './instance.ts';
import { tagsOf, type Ownership } from './labels.ts';

/** Named volumes of the engine. */
export class Volumes {
  constructor(
    private readonly engine: Engine,
    private readonly ours: Ownership,
  ) {}

  /** The engine hands out a volume of the same name whoever made it, so it is looked at first, and after. */
  async ensure(name: string, tags: Tags, signal: AbortSignal): Promise<void> {
    if (await this.find(name, signal)) return;
    await this.engine.call(`make the volume ${name}`, signal, (docker, abortSignal) =>
      docker.createVolume({ Name: name, Labels: this.ours.labels(tags), abortSignal }),
    );
    await this.find(name, signal);
  }

  /** Undefined: there is none. @throws ProviderError `owned-by-other`. */
  async find(name: string, signal: AbortSignal): Promise<EngineVolume | undefined> {
    const volume = await this.engine.call(`read the volume ${name}`, signal, (docker, abortSignal) =>
      unlessGone(docker.getVolume(name).inspect({ abortSignal })),
    );
    if (!volume) return undefined;
    this.ours.assertOwns(volume.Labels, `the volume ${name}`);
    return { name, tags: tagsOf(volume.Labels) };
  }

  async remove(name: string, signal: AbortSignal): Promise<void> {
    if (!(await this.find(name, signal))) return;
    await this.engine.call(`remove the volume ${name}`, signal, async (docker, abortSignal) => {
      try {
        await docker.getVolume(name).remove({ abortSignal });
      } catch (error) {
        if (statusOf(error) === 404) return;
        if (statusOf(error) !== 409) throw error;
        throw new ProviderError('conflict', `the volume ${name} is in use by a container`, {
          cause: error,
          hint: `\`docker ps -a --filter volume=${name}\` shows which one`,
        });
      }
    });
  }

  async list(tags: Tags, signal: AbortSignal): Promise<EngineVolume[]> {
    const answer: { Volumes: VolumeInspectInfo[] | null } = await this.engine.call(
      'list the volumes',
      signal,
      (docker, abortSignal) => docker.listVolumes({ filters: this.ours.filter(tags), abortSignal }),
    );
    // Null when there are none.
    return (answer.Volumes ?? []).map((volume) => ({ name: volume.Name, tags: tagsOf(volume.Labels) }));
  }
}
