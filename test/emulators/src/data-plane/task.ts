import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type {
  Container as ContainerView,
  ContainerDefinition,
  Task as TaskView,
  TaskDefinition,
} from '@aws-sdk/client-ecs';
import type { Container } from 'dockerode';
import { optionsOf } from './container-options.ts';
import { mayOpenChannels } from './exec/agent-rights.ts';
import type { Plane } from './plane.ts';
import { valueOf } from './secrets.ts';

/** @see https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html `stopTimeout` */
const STOP_SECONDS = 30;
const KILLED = 137;

interface Part {
  readonly definition: ContainerDefinition;
  container?: Container;
  state: 'PENDING' | 'RUNNING' | 'STOPPED';
  health: 'UNKNOWN' | 'HEALTHY' | 'UNHEALTHY';
  exitCode?: number;
  reason?: string;
  /** How it ended is known as far as it can be. */
  seen?: Promise<void>;
}

/** What a task belongs to. */
export interface TaskPlace {
  readonly cluster: string;
  /** `service:<name>`, or what RunTask said. */
  readonly group: string;
  readonly startedBy: string;
  readonly aliases: readonly string[];
  readonly arn?: string;
  /** Whether commands may be run in it. */
  readonly enableExecuteCommand?: boolean;
  readonly overrides?: TaskView['overrides'];
}

/** One task: its containers on the engine, at an address of its own. */
export class Task {
  readonly arn: string;
  readonly createdAt = new Date();
  readonly address: string;
  startedAt: Date | undefined;
  stoppedAt: Date | undefined;
  status: 'PENDING' | 'RUNNING' | 'DEPROVISIONING' | 'STOPPED' = 'PENDING';
  desired: 'RUNNING' | 'STOPPED' = 'RUNNING';
  reason = '';
  stopCode:
    'TaskFailedToStart' | 'EssentialContainerExited' | 'ServiceSchedulerInitiated' | 'UserInitiated' | undefined;
  readonly #parts: readonly Part[];
  #pause: Container | undefined;
  #stopping: Promise<void> | undefined;
  #isAgentBarred = false;

  constructor(
    readonly definition: TaskDefinition,
    readonly place: TaskPlace,
    private readonly plane: Plane,
    private readonly onChange: (task: Task) => void,
  ) {
    const prefix = place.cluster.replace(':cluster/', ':task/');
    this.arn = place.arn ?? `${prefix}/${randomBytes(16).toString('hex')}`;
    this.address = plane.engine.nextAddress();
    this.#parts = inOrder(definition.containerDefinitions ?? []).map((each) => ({
      definition: each,
      state: 'PENDING',
      health: 'UNKNOWN',
    }));
  }

  get id(): string {
    return this.arn.slice(this.arn.lastIndexOf('/') + 1);
  }

  /** Of its essential containers that have a check. */
  get health(): 'UNKNOWN' | 'HEALTHY' | 'UNHEALTHY' {
    const asked = this.#parts.filter(({ definition }) => isEssential(definition) && definition.healthCheck);
    if (asked.some(({ health }) => health === 'UNHEALTHY')) return 'UNHEALTHY';
    if (asked.length === 0 || asked.some(({ health }) => health === 'UNKNOWN')) return 'UNKNOWN';
    return 'HEALTHY';
  }

  /** Of ECS Exec: AWS's agent runs beside its containers. */
  get takesCommands(): boolean {
    return this.place.enableExecuteCommand === true && this.status === 'RUNNING';
  }

  /** The task's role does not let the agent speak with Systems Manager. */
  get isAgentBarred(): boolean {
    return this.#isAgentBarred;
  }

  /** The engine's. @param name - Left out: that of the only one. */
  containerNamed(name: string | undefined): string | undefined {
    const named = this.#parts.filter(({ definition }) => name === undefined || definition.name === name);
    const [only, ...others] = named.filter(({ state }) => state === 'RUNNING');
    return others.length > 0 ? undefined : only?.container?.id;
  }

  get hasHealthCheck(): boolean {
    return this.#parts.some(({ definition }) => isEssential(definition) && definition.healthCheck);
  }

  /** The engine's names of its containers. */
  get containers(): readonly string[] {
    return this.#parts.flatMap(({ container }) => (container ? [container.id] : []));
  }

  /** Never throws: what goes wrong stops the task, with the reason. */
  async start(): Promise<void> {
    try {
      const images = await Promise.all(this.#parts.map(async ({ definition }) => this.#pulled(definition.image ?? '')));
      const secrets = await Promise.all(this.#parts.map(async ({ definition }) => this.#secretsOf(definition)));
      if (this.#parts.length > 1) await this.#startPause();
      for (const [index, part] of this.#parts.entries()) {
        await this.#dependencies(part);
        if (!this.#isWanted()) return;
        await this.#startPart(part, images[index] ?? '', secrets[index] ?? {});
      }
    } catch (error) {
      await this.stop(messageOf(error), 'TaskFailedToStart');
      return;
    }
    if (this.place.enableExecuteCommand)
      this.#isAgentBarred = !(await mayOpenChannels(this.definition.taskRoleArn, this.plane.clients.iam));
    if (!this.#isWanted()) return;
    this.status = 'RUNNING';
    this.startedAt = new Date();
    this.onChange(this);
  }

  /** TERM, `stopTimeout`, KILL. Repeating it changes nothing. */
  async stop(reason: string, code: Task['stopCode']): Promise<void> {
    this.#stopping ??= this.#stop(reason, code);
    return this.#stopping;
  }

  view(): TaskView {
    const details = [{ name: 'privateIPv4Address', value: this.address }];
    const attachment = { id: this.id, type: 'ElasticNetworkInterface', status: 'ATTACHED', details };
    return {
      taskArn: this.arn,
      clusterArn: this.place.cluster,
      taskDefinitionArn: this.definition.taskDefinitionArn,
      group: this.place.group,
      startedBy: this.place.startedBy,
      launchType: 'FARGATE',
      lastStatus: this.status,
      enableExecuteCommand: this.place.enableExecuteCommand ?? false,
      desiredStatus: this.desired,
      healthStatus: this.health,
      createdAt: this.createdAt,
      ...(this.startedAt ? { startedAt: this.startedAt } : {}),
      ...(this.stoppedAt ? { stoppedAt: this.stoppedAt } : {}),
      ...(this.desired === 'STOPPED' ? { stoppedReason: this.reason, stopCode: this.stopCode } : {}),
      ...(this.place.overrides ? { overrides: this.place.overrides } : {}),
      cpu: this.definition.cpu,
      memory: this.definition.memory,
      attachments: [attachment],
      containers: this.#parts.map((part) => this.#viewOf(part)),
      tags: [],
    };
  }

  #viewOf({ definition, state, health, exitCode, reason, container }: Part): ContainerView {
    return {
      containerArn: `${this.arn.replace(':task/', ':container/')}/${String(definition.name)}`,
      taskArn: this.arn,
      name: definition.name,
      image: definition.image,
      lastStatus: state,
      healthStatus: health,
      ...(this.place.enableExecuteCommand
        ? {
            managedAgents: [
              { name: 'ExecuteCommandAgent', lastStatus: this.status === 'RUNNING' ? 'RUNNING' : 'PENDING' },
            ],
          }
        : {}),
      ...(container ? { runtimeId: container.id } : {}),
      ...(exitCode === undefined ? {} : { exitCode }),
      ...(reason === undefined ? {} : { reason }),
      networkInterfaces: [{ attachmentId: this.id, privateIpv4Address: this.address }],
    };
  }

  async #pulled(image: string): Promise<string> {
    const reference = image.replace(/^\d{12}\.dkr\.ecr\.[\w-]+\.amazonaws\.com(?=\/)/, this.plane.registry.host);
    const { engine } = this.plane;
    // What is not ECR's is some public registry's, for which the engine's own images stand in.
    if (!reference.startsWith(`${this.plane.registry.host}/`) && (await engine.hasImage(reference))) return reference;
    try {
      await engine.pull(reference);
    } catch (error) {
      throw new Error(`CannotPullContainerError: ${image}: ${messageOf(error)}`, { cause: error });
    }
    return reference;
  }

  async #secretsOf({ secrets = [] }: ContainerDefinition): Promise<Readonly<Record<string, string>>> {
    const read = secrets.map(async ({ name = '', valueFrom = '' }) => {
      try {
        return [name, await valueOf(valueFrom, this.plane.clients)] as const;
      } catch (error) {
        const why = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
        throw new Error(`ResourceInitializationError: unable to pull secrets or registry auth: ${valueFrom}: ${why}`, {
          cause: error,
        });
      }
    });
    return Object.fromEntries(await Promise.all(read));
  }

  async #startPause(): Promise<void> {
    this.#pause = await this.plane.engine.createPause(this.#nameOf('pause'), this.address, this.place.aliases);
    if (this.#isWanted()) await this.#pause.start();
    else await this.plane.engine.remove(this.#pause);
  }

  async #startPart(part: Part, image: string, secrets: Readonly<Record<string, string>>): Promise<void> {
    const { engine, speed } = this.plane;
    const override = this.place.overrides?.containerOverrides?.find(({ name }) => name === part.definition.name);
    const volumes = await this.#volumesOf(part.definition);
    const own = this.#pause
      ? { HostConfig: { NetworkMode: `container:${this.#pause.id}` } }
      : engine.place(this.address, this.place.aliases);
    const { HostConfig, ...options } = optionsOf(part.definition, { secrets, speed, volumes, override });
    part.container = await engine.create(
      {
        name: this.#nameOf(part.definition.name ?? 'container'),
        Image: image,
        ...options,
        ...own,
        HostConfig: { ...HostConfig, ...own.HostConfig },
      },
      (event) => {
        if (event.kind === 'died') this.#died(part, event.exitCode);
        else {
          part.health = event.kind === 'healthy' ? 'HEALTHY' : 'UNHEALTHY';
          this.onChange(this);
        }
      },
    );
    if (!this.#isWanted()) {
      await engine.remove(part.container); // stopped while it was made
      return;
    }
    try {
      await part.container.start();
    } catch (error) {
      throw new Error(`CannotStartContainerError: ${messageOf(error)}`, { cause: error });
    }
    if (part.state === 'PENDING') part.state = 'RUNNING';
    this.plane.logs?.follow(part.container, part.definition, this.id);
  }

  async #volumesOf({ mountPoints = [] }: ContainerDefinition): Promise<readonly string[]> {
    const binds = mountPoints.map(async ({ sourceVolume = '', containerPath = '', readOnly }) => {
      const volume = this.definition.volumes?.find(({ name }) => name === sourceVolume)?.efsVolumeConfiguration;
      const name = volume
        ? [volume.fileSystemId, volume.authorizationConfig?.accessPointId ?? volume.rootDirectory ?? '']
            .join('-')
            .replaceAll(/[^\w.-]+/g, '_')
        : `${this.id}-${sourceVolume}`;
      return `${await this.plane.engine.ensureVolume(name)}:${containerPath}${readOnly ? ':ro' : ''}`;
    });
    return Promise.all(binds);
  }

  /** @see https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDependency.html */
  async #dependencies({ definition }: Part): Promise<void> {
    for (const { containerName, condition } of definition.dependsOn ?? []) {
      const other = this.#parts.find((part) => part.definition.name === containerName);
      const isMet = () =>
        condition === 'HEALTHY'
          ? other?.health === 'HEALTHY'
          : condition === 'COMPLETE' || condition === 'SUCCESS'
            ? other?.state === 'STOPPED'
            : other?.state !== 'PENDING';
      while (this.#isWanted() && !isMet()) await sleep(50);
      if (condition === 'SUCCESS' && this.#isWanted() && other?.exitCode !== 0) {
        throw new Error(`${String(containerName)} had to succeed first, and ended with ${String(other?.exitCode)}`);
      }
    }
  }

  /** Asks the engine, whose news may be slower than a failing check. */
  async lookAt(): Promise<void> {
    await Promise.all(
      this.#parts.map(async (part) => {
        if (part.state !== 'RUNNING') return;
        const { State } = (await part.container?.inspect().catch(() => undefined)) ?? { State: undefined };
        if (!State?.Running) this.#died(part, State?.ExitCode ?? KILLED);
      }),
    );
  }

  #died(part: Part, exitCode: number): void {
    if (part.state === 'STOPPED') return;
    part.state = 'STOPPED';
    part.exitCode = exitCode;
    part.seen = this.#explain(part);
    if (isEssential(part.definition)) void this.stop('Essential container in task exited', 'EssentialContainerExited');
    else this.onChange(this);
  }

  async #explain(part: Part): Promise<void> {
    const inspected = await part.container?.inspect().catch(() => undefined); // somebody removed it
    if (inspected?.State.OOMKilled) part.reason = 'OutOfMemoryError: Container killed due to memory usage';
  }

  async #stop(reason: string, code: Task['stopCode']): Promise<void> {
    this.desired = 'STOPPED';
    this.reason = reason;
    this.stopCode = code;
    if (this.status !== 'PENDING') this.status = 'DEPROVISIONING';
    this.onChange(this);
    const { engine, speed } = this.plane;
    await Promise.all(
      this.#parts.map(async (part) => {
        const { container, definition, state } = part;
        if (!container) return;
        const t = Math.max(1, Math.ceil((definition.stopTimeout ?? STOP_SECONDS) / speed));
        if (state === 'RUNNING') await container.stop({ t }).catch(() => undefined); // not running any more
        await part.seen;
        await this.plane.logs?.settled(container);
        await engine.remove(container);
      }),
    );
    if (this.#pause) await engine.remove(this.#pause);
    for (const { name = '', efsVolumeConfiguration } of this.definition.volumes ?? []) {
      if (!efsVolumeConfiguration) await engine.removeVolume(`${this.id}-${name}`);
    }
    for (const part of this.#parts) part.state = 'STOPPED';
    this.status = 'STOPPED';
    this.stoppedAt = new Date();
    this.onChange(this);
  }

  #isWanted(): boolean {
    return this.desired === 'RUNNING';
  }

  #nameOf(container: string): string {
    return `${this.plane.engine.network}-${this.id.slice(0, 12)}-${container}`;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function isEssential({ essential = true }: ContainerDefinition): boolean {
  return essential;
}

/** Each after those that it depends on. */
function inOrder(definitions: readonly ContainerDefinition[]): readonly ContainerDefinition[] {
  const ordered = new Set<ContainerDefinition>();
  const add = (definition: ContainerDefinition, above: readonly ContainerDefinition[]) => {
    if (above.includes(definition)) return;
    for (const { containerName } of definition.dependsOn ?? []) {
      const first = definitions.find(({ name }) => name === containerName);
      if (first) add(first, [...above, definition]);
    }
    ordered.add(definition);
  };
  for (const definition of definitions) add(definition, []);
  return [...ordered];
}
