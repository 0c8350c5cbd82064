import { randomInt, randomUUID } from 'node:crypto';
import type {
  Deployment as DeploymentView,
  Service as ServiceView,
  ServiceConnectConfiguration,
  TaskDefinition,
} from '@aws-sdk/client-ecs';
import type { Plane } from './plane.ts';
import { Task, type TaskPlace } from './task.ts';

/** @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html */
const FEWEST_FAILURES = 3;
const MOST_FAILURES = 200;
/** After each failure twice as long. */
const FIRST_PAUSE_SECONDS = 2;
const LONGEST_PAUSE_SECONDS = 300;
const EVENTS_KEPT = 100;

interface Deployment {
  readonly id: string;
  readonly definition: TaskDefinition;
  readonly createdAt: Date;
  readonly tasks: Set<Task>;
  updatedAt: Date;
  failedTasks: number;
  rolloutState: 'IN_PROGRESS' | 'COMPLETED' | 'FAILED';
  rolloutStateReason: string;
}

/** At which others find its tasks. */
interface ServiceNames {
  readonly aliases: readonly string[];
  readonly connect: ServiceConnectConfiguration | undefined;
}

/** One service: it sees that as many tasks run as are wanted, of the definition that is wanted. */
export class Service {
  /** The first is the primary one. */
  #deployments: Deployment[] = [];
  #events: { id: string; createdAt: Date; message: string }[] = [];
  #wanted: ServiceView;
  /** Of the emulator; after a rollback it is not the primary deployment's. */
  #lastDefinition: string | undefined;
  #isDeleted = false;
  #isEnding = false;
  #lastFailure = 0;
  /** In a row. */
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;
  readonly #stopped: Task[] = [];
  readonly #registered = new WeakSet<Task>();

  constructor(
    view: ServiceView,
    private readonly names: ServiceNames,
    private readonly plane: Plane,
  ) {
    this.#wanted = view;
  }

  get arn(): string {
    return this.#wanted.serviceArn ?? '';
  }

  get name(): string {
    return this.#wanted.serviceName ?? '';
  }

  get cluster(): string {
    return this.#wanted.clusterArn ?? '';
  }

  get isGone(): boolean {
    return this.#isDeleted && this.tasks.length === 0;
  }

  get isDraining(): boolean {
    return this.#isDeleted && !this.isGone;
  }

  /** Those that are not stopped. */
  get tasks(): readonly Task[] {
    return this.#deployments.flatMap(({ tasks }) => [...tasks]);
  }

  get stoppedTasks(): readonly Task[] {
    return this.#stopped;
  }

  leadsTo(group: string): boolean {
    return (this.#wanted.loadBalancers ?? []).some(({ targetGroupArn }) => targetGroupArn === group);
  }

  /** Takes over what is wanted. @param isForced - Also where the definition is the same. */
  want(view: ServiceView, definition: TaskDefinition, isForced = false): void {
    if (this.#isDeleted) return;
    this.#wanted = view;
    if (isForced || view.taskDefinition !== this.#lastDefinition) {
      this.#lastDefinition = view.taskDefinition;
      this.#deploy(definition);
    }
    this.converge();
  }

  delete(): void {
    if (this.#isDeleted) return;
    this.#isDeleted = true;
    this.#wanted = { ...this.#wanted, desiredCount: 0 };
    this.converge();
  }

  /** Without waiting for requests in flight. */
  async end(): Promise<void> {
    this.#isEnding = true;
    clearTimeout(this.#timer);
    await Promise.all(this.tasks.map(async (task) => task.stop('The data plane ends', 'ServiceSchedulerInitiated')));
  }

  /** One look at what is and what is wanted; each change leads here. */
  converge(): void {
    if (this.#isEnding) return;
    const [primary, ...older] = this.#deployments;
    if (this.#isDeleted || !primary) {
      for (const task of this.tasks) this.#retire(task, 'Service is being deleted');
      return;
    }
    const desired = this.#wanted.desiredCount ?? 0;
    const live = alive(primary);
    for (const task of live.slice(desired)) this.#retire(task, 'Scaling activity initiated by (service)');
    for (const task of live) this.#endIfUnhealthy(task);
    this.#startMissing(primary, desired - alive(primary).length);
    const ready = alive(primary).filter((task) => this.#isReady(task)).length;
    if (ready > 0 && ready >= desired) this.#failures = 0;
    if (primary.rolloutState === 'IN_PROGRESS' && ready >= desired) this.#complete(primary);
    if (primary.rolloutState === 'COMPLETED') {
      for (const deployment of older) {
        for (const task of alive(deployment)) this.#retire(task, 'Scaling activity initiated by (deployment)');
      }
      this.#deployments = this.#deployments.filter(({ tasks }, index) => index === 0 || tasks.size > 0);
    }
  }

  /** What the emulator said of it, with what is true. */
  view(said: ServiceView = this.#wanted): ServiceView {
    const count = (tasks: readonly Task[], status: string) => tasks.filter((task) => task.status === status).length;
    const [primary] = this.#deployments;
    return {
      ...said,
      status: this.#isDeleted ? (this.isGone ? 'INACTIVE' : 'DRAINING') : 'ACTIVE',
      ...(primary ? { taskDefinition: primary.definition.taskDefinitionArn } : {}),
      runningCount: count(this.tasks, 'RUNNING'),
      pendingCount: count(this.tasks, 'PENDING'),
      deployments: this.#isDeleted ? [] : this.#deployments.map((one, index) => this.#viewOf(one, index === 0)),
      events: [...this.#events],
    };
  }

  /** Says so in the service's events. */
  tell(message: string): void {
    this.#events.unshift({ id: randomUUID(), createdAt: new Date(), message: `(service ${this.name}) ${message}` });
    this.#events = this.#events.slice(0, EVENTS_KEPT);
  }

  #viewOf(one: Deployment, isPrimary: boolean): DeploymentView {
    const tasks = [...one.tasks];
    return {
      id: one.id,
      status: isPrimary ? 'PRIMARY' : 'ACTIVE',
      taskDefinition: one.definition.taskDefinitionArn,
      desiredCount: isPrimary ? this.#wanted.desiredCount : alive(one).length,
      runningCount: tasks.filter(({ status }) => status === 'RUNNING').length,
      pendingCount: tasks.filter(({ status }) => status === 'PENDING').length,
      failedTasks: one.failedTasks,
      createdAt: one.createdAt,
      updatedAt: one.updatedAt,
      launchType: this.#wanted.launchType,
      networkConfiguration: this.#wanted.networkConfiguration,
      rolloutState: one.rolloutState,
      rolloutStateReason: one.rolloutStateReason,
      ...(this.names.connect ? { serviceConnectConfiguration: this.names.connect } : {}),
    };
  }

  #deploy(definition: TaskDefinition): void {
    const id = `ecs-svc/${Array.from({ length: 19 }, () => String(randomInt(10))).join('')}`;
    const now = new Date();
    this.#deployments.unshift({
      id,
      definition,
      createdAt: now,
      updatedAt: now,
      tasks: new Set(),
      failedTasks: 0,
      rolloutState: 'IN_PROGRESS',
      rolloutStateReason: `ECS deployment ${id} in progress.`,
    });
    this.#failures = 0;
  }

  #complete(primary: Deployment): void {
    primary.rolloutState = 'COMPLETED';
    primary.rolloutStateReason = `ECS deployment ${primary.id} completed.`;
    primary.updatedAt = new Date();
    this.tell(`(deployment ${primary.id}) deployment completed.`);
    this.tell('has reached a steady state.');
  }

  /** Not more at once than the share of the wanted ones that the deployment may have; the oldest make room if it may have no more. */
  #startMissing(primary: Deployment, missing: number): void {
    if (missing <= 0 || primary.rolloutState === 'FAILED') return;
    const pause = this.#pause() - (Date.now() - this.#lastFailure);
    if (pause > 0) {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.converge(), pause);
      return;
    }
    const { maximumPercent = 200, minimumHealthyPercent = 100 } = this.#wanted.deploymentConfiguration ?? {};
    const desired = this.#wanted.desiredCount ?? 0;
    const all = this.tasks.filter(({ desired: wish }) => wish === 'RUNNING').length;
    const room = Math.floor((desired * maximumPercent) / 100) - all;
    for (let more = Math.min(missing, Math.max(room, 0)); more > 0; more -= 1) this.#start(primary);
    if (room > 0) return;
    const old = this.#deployments.slice(1).flatMap((deployment) => alive(deployment));
    const spare = all - Math.ceil((desired * minimumHealthyPercent) / 100);
    for (const task of old.slice(0, Math.max(0, spare)))
      this.#retire(task, 'Scaling activity initiated by (deployment)');
  }

  #start(deployment: Deployment): void {
    const place: TaskPlace = {
      cluster: this.cluster,
      group: `service:${this.name}`,
      startedBy: deployment.id,
      aliases: this.names.aliases,
      enableExecuteCommand: this.#wanted.enableExecuteCommand ?? false,
    };
    const task = new Task(deployment.definition, place, this.plane, (changed) => this.#changed(deployment, changed));
    deployment.tasks.add(task);
    this.tell(`has started 1 tasks: (task ${task.id}).`);
    void task.start();
  }

  #changed(deployment: Deployment, task: Task): void {
    if (task.status === 'RUNNING') void this.#register(task);
    if (task.status === 'DEPROVISIONING') void this.#deregister(task);
    if (task.status === 'STOPPED') {
      deployment.tasks.delete(task);
      this.#stopped.unshift(task);
      this.#stopped.length = Math.min(this.#stopped.length, EVENTS_KEPT);
      if (task.stopCode !== 'ServiceSchedulerInitiated' && task.stopCode !== 'UserInitiated')
        this.#failed(deployment, task);
    }
    this.converge();
  }

  #failed(deployment: Deployment, task: Task): void {
    this.tell(`(task ${task.id}) stopped: ${task.reason}`);
    this.#failures += 1;
    this.#lastFailure = Date.now();
    if (deployment.rolloutState !== 'IN_PROGRESS') return;
    deployment.failedTasks += 1;
    deployment.updatedAt = new Date();
    const breaker = this.#wanted.deploymentConfiguration?.deploymentCircuitBreaker;
    const half = Math.ceil((this.#wanted.desiredCount ?? 0) / 2);
    if (!breaker?.enable || deployment.failedTasks < Math.min(Math.max(half, FEWEST_FAILURES), MOST_FAILURES)) return;
    deployment.rolloutState = 'FAILED';
    deployment.rolloutStateReason = 'ECS deployment circuit breaker: tasks failed to start.';
    this.tell(`(deployment ${deployment.id}) deployment failed: tasks failed to start.`);
    for (const other of alive(deployment)) this.#retire(other, 'Deployment failed');
    const last = this.#deployments.find(({ rolloutState }) => rolloutState === 'COMPLETED');
    if (!breaker.rollback || !last || this.#deployments[0] !== deployment) return;
    this.tell(`rolling back to (deployment ${last.id}).`);
    this.#deployments = [last, ...this.#deployments.filter((one) => one !== last)];
  }

  /** None after the first. */
  #pause(): number {
    if (this.#failures < 2) return 0;
    const seconds = Math.min(FIRST_PAUSE_SECONDS * 2 ** (this.#failures - 2), LONGEST_PAUSE_SECONDS);
    return (seconds * 1000) / this.plane.speed;
  }

  #isReady(task: Task): boolean {
    if (task.status !== 'RUNNING' || (task.hasHealthCheck && task.health !== 'HEALTHY')) return false;
    return this.#targetsOf(task).every(({ group, port }) => {
      // Nobody asks the targets of a group that no rule leads to.
      const state = this.plane.targets.healthOf(group, task.address, port)?.State;
      return state === 'healthy' || state === 'unused';
    });
  }

  #endIfUnhealthy(task: Task): void {
    if (task.status !== 'RUNNING' || task.desired !== 'RUNNING') return;
    if (task.health === 'UNHEALTHY') {
      void this.#drainAndStop(task, 'Task failed container health checks', 'TaskFailedToStart');
      return;
    }
    const grace = ((this.#wanted.healthCheckGracePeriodSeconds ?? 0) * 1000) / this.plane.speed;
    const age = Date.now() - (task.startedAt?.getTime() ?? Date.now());
    for (const { group, port } of this.#targetsOf(task)) {
      const health = this.plane.targets.healthOf(group, task.address, port);
      if (health?.State !== 'unhealthy') continue;
      if (age < grace) {
        setTimeout(() => this.converge(), grace - age).unref();
        continue;
      }
      const why = `Task failed ELB health checks in (target-group ${group}) (reason ${health.Description ?? ''})`;
      void task.lookAt().then(async () => this.#drainAndStop(task, why, 'TaskFailedToStart'));
    }
  }

  #retire(task: Task, why: string): void {
    void this.#drainAndStop(task, why, 'ServiceSchedulerInitiated');
  }

  /** Requests in flight end first. */
  async #drainAndStop(task: Task, why: string, code: Task['stopCode']): Promise<void> {
    if (task.desired === 'STOPPED') return;
    task.desired = 'STOPPED';
    if (task.status === 'RUNNING') await this.#deregister(task);
    await task.stop(why, code);
  }

  async #register(task: Task): Promise<void> {
    if (this.#isEnding || this.#registered.has(task)) return;
    this.#registered.add(task);
    for (const { group, port } of this.#targetsOf(task)) {
      try {
        await this.plane.targets.register(group, task.address, port);
        this.tell(`registered 1 targets in (target-group ${group})`);
      } catch (error) {
        this.tell(`was unable to register targets in (target-group ${group}): ${String(error)}`);
      }
    }
    if (task.desired === 'STOPPED') await this.#deregister(task);
    this.converge();
  }

  async #deregister(task: Task): Promise<void> {
    if (this.#isEnding || !this.#registered.has(task)) return;
    await Promise.all(
      this.#targetsOf(task).map(async ({ group, port }) => {
        this.tell(`deregistered 1 targets in (target-group ${group})`);
        await this.plane.targets.deregister(group, task.address, port);
      }),
    );
  }

  #targetsOf(task: Task): readonly { readonly group: string; readonly port: number }[] {
    const names = new Set((task.definition.containerDefinitions ?? []).map(({ name }) => name));
    return (this.#wanted.loadBalancers ?? []).flatMap(({ targetGroupArn, containerName, containerPort }) =>
      targetGroupArn && containerPort && names.has(containerName)
        ? [{ group: targetGroupArn, port: containerPort }]
        : [],
    );
  }
}

function alive({ tasks }: Deployment): readonly Task[] {
  return [...tasks].filter(({ desired }) => desired === 'RUNNING');
}
