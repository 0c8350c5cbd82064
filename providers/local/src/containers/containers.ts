import type { Container, ContainerInspectInfo, ContainerInfo } from 'dockerode';
import { ProviderError, type Tags } from '@clusternator/core/provider';
import { unlessGone, unlessSo } from './answers.ts';
import type { Engine } from './engine.ts';
import type { InstanceStatus } from './instance.ts';
import type { Ownership } from './labels.ts';
import { absent, statusOfContainer } from './status.ts';

/** How long the engine may take beyond the grace: ending, unmounting and freeing a port are slow on a busy machine. */
const STOP_SECONDS = 60;
const REMOVE_SECONDS = 120;
const PAUSE_SECONDS = 10;

/** Reads and ends containers. None that is not ours is touched. */
export class Containers {
  constructor(
    private readonly engine: Engine,
    private readonly ours: Ownership,
  ) {}

  /** Undefined: there is none. @throws ProviderError `owned-by-other`. */
  async find(name: string, signal: AbortSignal): Promise<ContainerInspectInfo | undefined> {
    const container = await this.engine.call(`read the container ${name}`, signal, (docker, abortSignal) =>
      unlessGone(docker.getContainer(name).inspect({ abortSignal })),
    );
    if (!container) return undefined;
    this.ours.assertOwns(container.Config.Labels, `the container ${name}`);
    return container;
  }

  async inspect(name: string, signal: AbortSignal): Promise<InstanceStatus> {
    const container = await this.find(name, signal);
    return container ? statusOfContainer(container) : absent(name);
  }

  /** As the engine lists them: little, but of all in one call. */
  listInfo(tags: Tags, signal: AbortSignal): Promise<ContainerInfo[]> {
    return this.engine.call('list the containers', signal, (docker, abortSignal) =>
      docker.listContainers({ all: true, filters: this.ours.filter(tags), abortSignal }),
    );
  }

  async list(tags: Tags, signal: AbortSignal): Promise<InstanceStatus[]> {
    const containers = await this.listInfo(tags, signal);
    const statuses = await Promise.all(containers.map((container) => this.inspect(nameOf(container), signal)));
    // Gone between the list and the look.
    return statuses.filter(({ state }) => state !== 'absent');
  }

  /** The engine does not start it again by itself, not even after its own restart. */
  async stop(name: string, graceSeconds: number, signal: AbortSignal): Promise<void> {
    if (!(await this.find(name, signal))) return;
    await this.change(
      `stop the container ${name}`,
      name,
      signal,
      graceSeconds + STOP_SECONDS,
      (container, abortSignal) => container.stop({ t: graceSeconds, abortSignal }),
    );
  }

  /** Its processes stop where they are. */
  async pause(name: string, signal: AbortSignal): Promise<void> {
    await this.change(`pause the container ${name}`, name, signal, PAUSE_SECONDS, (container, abortSignal) =>
      container.pause({ abortSignal }),
    );
  }

  /** Succeeds where it is not paused, or gone. */
  async unpause(name: string, signal: AbortSignal): Promise<void> {
    try {
      await this.change(`let the container ${name} go on`, name, signal, PAUSE_SECONDS, (container, abortSignal) =>
        container.unpause({ abortSignal }),
      );
    } catch (error) {
      const found = await this.find(name, signal);
      if (found?.State.Paused) throw error;
    }
  }

  /** With its anonymous volumes. */
  async remove(name: string, graceSeconds: number, signal: AbortSignal): Promise<void> {
    const found = await this.find(name, signal);
    if (!found) return;
    if (found.State.Running && graceSeconds > 0) await this.stop(name, graceSeconds, signal);
    const doing = `remove the container ${name}`;
    try {
      await this.change(doing, found.Id, signal, REMOVE_SECONDS, (container, abortSignal) =>
        container.remove({ v: true, force: true, abortSignal }),
      );
    } catch (error) {
      // Somebody else removes it already: gone is what counts.
      if (!(ProviderError.is(error) && error.code === 'conflict' && error.message.includes('in progress'))) throw error;
      await this.change(doing, found.Id, signal, REMOVE_SECONDS, (container, abortSignal) =>
        container.wait({ condition: 'removed', abortSignal }),
      );
    }
  }

  private async change(
    doing: string,
    name: string,
    signal: AbortSignal,
    timeoutSeconds: number,
    run: (container: Container, abortSignal: AbortSignal) => Promise<unknown>,
  ): Promise<void> {
    await this.engine.call(
      doing,
      signal,
      (docker, abortSignal) => unlessGone(unlessSo(run(docker.getContainer(name), abortSignal))),
      timeoutSeconds,
    );
  }
}

export function nameOf({ Names, Id }: ContainerInfo): string {
  return Names[0]?.replace(/^\//, '') ?? Id;
}
