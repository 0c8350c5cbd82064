import { setTimeout as sleep } from 'node:timers/promises';
import type { ContainerInspectInfo } from 'dockerode';
import { ProviderError } from '@clusternator/core/provider';
import { unlessSo } from './answers.ts';
import type { Containers } from './containers.ts';
import type { Engine } from './engine.ts';
import { refusalOf, statusOf } from './errors.ts';
import type { InstanceSpec, InstanceStatus } from './instance.ts';
import { specOf, type Ownership } from './labels.ts';
import { checkSpec, requestOf, specHash } from './request.ts';
import { statusOfContainer } from './status.ts';
import type { Volumes } from './volumes.ts';

/** Making one writes a layer, and starting one sets up its network. */
const CREATE_SECONDS = 120;
const START_SECONDS = 120;
/** A free port may be taken by another process before the engine has it. */
const PORT_ATTEMPTS = 4;
/** The engine keeps the name of one that it is still making, for a call that was cut off, and shows none meanwhile. */
const NAME_PAUSES_MS = [0, 50, 100, 200, 400, 800, 1600, 3200, 6400];

/** Makes a container that is to run, or starts the one that is there. */
export class Ensuring {
  private processors: Promise<number> | undefined;

  constructor(
    private readonly engine: Engine,
    private readonly ours: Ownership,
    private readonly containers: Containers,
    private readonly volumes: Volumes,
  ) {}

  /** Made, then started: killed in between, the next call finds one that was never started. */
  async ensure(spec: InstanceSpec, signal: AbortSignal): Promise<InstanceStatus> {
    checkSpec(spec);
    const name = this.ours.containerName(spec);
    for (let attempt = 0; ; attempt++) {
      const found = await this.containers.find(name, signal);
      if (found && !isGoing(found)) {
        assertSame(found, spec, name);
        return isUp(found) ? statusOfContainer(found) : await this.startAgain(found, spec, name, signal);
      }
      if (found) await this.containers.remove(name, 0, signal);
      try {
        await this.create(spec, name, signal);
      } catch (error) {
        // Another call makes it, or the engine still frees the name.
        const pauseMs = NAME_PAUSES_MS[attempt];
        if (!isConflict(error) || pauseMs === undefined) throw error;
        await sleep(pauseMs, undefined, { signal }).catch(() => undefined); // the next call tells that it was aborted
        continue;
      }
      return this.startNew(spec, name, signal);
    }
  }

  private async create(spec: InstanceSpec, name: string, signal: AbortSignal): Promise<void> {
    await this.assertVolumes(spec, signal);
    const { name: _, ...body } = requestOf(spec, name, this.ours, await this.processorCount(signal));
    const doing = `make the container of ${spec.service}`;
    // Apart, since dockerode would write the body into the URL as well: the variables, with the secrets in them.
    const request = { _query: { name }, _body: body };
    await this.engine.call(
      doing,
      signal,
      async (docker, abortSignal) => {
        try {
          await docker.createContainer({ ...request, abortSignal });
        } catch (error) {
          throw refusal(error, doing, spec);
        }
      },
      CREATE_SECONDS,
    );
  }

  /** One that can't start is not left behind: nobody could tell it from one that is about to. */
  private async startNew(spec: InstanceSpec, name: string, signal: AbortSignal): Promise<InstanceStatus> {
    try {
      return await this.start(spec, name, signal);
    } catch (error) {
      if (ProviderError.is(error) && error.effect === 'none') {
        await this.containers.remove(name, 0, signal).catch(() => undefined);
      }
      throw error;
    }
  }

  /** Its network may be another one of the same name by now, or its folders were made anew: then so is the container. */
  private async startAgain(
    found: ContainerInspectInfo,
    spec: InstanceSpec,
    name: string,
    signal: AbortSignal,
  ): Promise<InstanceStatus> {
    try {
      return await this.start(spec, name, signal);
    } catch (error) {
      if (!ProviderError.is(error) || error.effect !== 'none') throw error;
      await this.containers.remove(found.Id, 0, signal);
      await this.create(spec, name, signal);
      return this.startNew(spec, name, signal);
    }
  }

  private async start(spec: InstanceSpec, name: string, signal: AbortSignal): Promise<InstanceStatus> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.startOnce(spec, name, signal);
        return await this.containers.inspect(name, signal);
      } catch (error) {
        if (!isConflict(error, 'publish') || spec.publish?.hostPort !== undefined || attempt === PORT_ATTEMPTS)
          throw error;
      }
    }
  }

  private startOnce(spec: InstanceSpec, name: string, signal: AbortSignal): Promise<void> {
    const doing = `start the container of ${spec.service}`;
    return this.engine.call(
      doing,
      signal,
      async (docker, abortSignal) => {
        const container = docker.getContainer(name);
        try {
          const { State } = await container.inspect({ abortSignal });
          await (State.Paused ? container.unpause() : unlessSo(container.start({ abortSignal })));
        } catch (error) {
          throw refusal(error, doing, spec);
        }
      },
      START_SECONDS,
    );
  }

  /** The engine would make one that is missing, without our labels. */
  private async assertVolumes(spec: InstanceSpec, signal: AbortSignal): Promise<void> {
    for (const mount of spec.mounts ?? []) {
      if (mount.kind === 'folder' || (await this.volumes.find(mount.volume, signal))) continue;
      throw new ProviderError('not-found', `service ${spec.service}: there is no volume ${mount.volume}`, {
        path: 'mounts',
      });
    }
  }

  private processorCount(signal: AbortSignal): Promise<number> {
    this.processors ??= this.engine
      .call('ask the Docker Engine for its size', signal, (docker) => docker.info())
      // dockerode's types leave the answer open.
      .then((info: { NCPU: number }) => info.NCPU);
    this.processors.catch(() => (this.processors = undefined));
    return this.processors;
  }
}

/** @throws ProviderError `already-exists`, which names no value of a variable. */
function assertSame({ Config }: ContainerInspectInfo, spec: InstanceSpec, name: string): void {
  const actual = new Set(Config.Env);
  const changed = Object.entries(spec.env).find(([key, value]) => !actual.has(`${key}=${value}`));
  if (specOf(Config.Labels) === specHash(spec) && !changed) return;
  const what = changed ? `with another ${changed[0]}` : 'from another specification';
  throw new ProviderError('already-exists', `the container ${name} was made ${what}`, {
    hint: 'remove it before it is made anew',
  });
}

/** Up, or on its way: the engine counts a container that it is about to start again as running. */
function isUp({ State }: ContainerInspectInfo): boolean {
  return State.Running && !State.Paused;
}

/** On its way out. */
function isGoing({ State }: ContainerInspectInfo): boolean {
  return State.Status === 'removing' || State.Dead;
}

function isConflict(error: unknown, path?: FaultyPath): boolean {
  return ProviderError.is(error) && error.code === 'conflict' && error.detail.path === path;
}

/** The engine has answered, so nothing runs. */
function refusal(error: unknown, doing: string, spec: InstanceSpec): unknown {
  if (statusOf(error) === undefined) return error;
  const refused = refusalOf(error, doing, { effect: 'none' });
  const path = pathOf(refused);
  if (path === undefined) return refused;
  const hint = HINTS[path]?.(spec);
  return refusalOf(error, doing, { effect: 'none', path, ...(hint === undefined ? {} : { hint }) });
}

type FaultyPath = 'image' | 'network' | 'mounts' | 'publish' | 'command' | 'memoryMiB';
const HINTS: Readonly<Partial<Record<FaultyPath, (spec: InstanceSpec) => string>>> = {
  image: ({ image }) => `the image ${image} is not on the Docker Engine (any more); build or pull it again`,
  network: () => "the environment's network was removed; make the environment again",
};

/** The engine has no codes, only texts. */
const PATHS: readonly (readonly [RegExp, FaultyPath])[] = [
  [/no such image|image.* not found/i, 'image'],
  [/network .*not found|could not find (a )?network/i, 'network'],
  [/bind source path|mount/i, 'mounts'],
  [
    /port is already allocated|address already in use|ports are not available|cannot assign requested address/i,
    'publish',
  ],
  [/memory limit|memory\.max/i, 'memoryMiB'],
  [/exec: |exec format error|executable file/i, 'command'],
];

function pathOf({ message }: ProviderError): FaultyPath | undefined {
  return PATHS.find(([pattern]) => pattern.test(message))?.[1];
}
