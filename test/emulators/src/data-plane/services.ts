import {
  DescribeServicesCommand,
  DescribeTaskDefinitionCommand,
  paginateListClusters,
  paginateListServices,
  type Service as ServiceView,
  type ServiceConnectConfiguration,
  type Task as TaskView,
  type TaskDefinition,
} from '@aws-sdk/client-ecs';
import type { Container } from 'dockerode';
import { aliasesOf } from './names.ts';
import type { Plane } from './plane.ts';
import { Service } from './service.ts';
import { Task } from './task.ts';

const AT_ONCE = 10;
const STOPPED_KEPT = 100;

/** @see https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html */
export type Kept = Pick<
  ServiceView,
  'deploymentConfiguration' | 'enableExecuteCommand' | 'healthCheckGracePeriodSeconds' | 'serviceRegistries'
> & {
  readonly serviceConnectConfiguration?: ServiceConnectConfiguration;
};

/** All services and tasks of an account. */
export class Services {
  readonly #services = new Map<string, Service>();
  readonly #definitions = new Map<string, TaskDefinition>();
  readonly #single = new Map<string, Task>();
  readonly #forced = new Set<string>();
  readonly #kept = new Map<string, Kept>();

  constructor(private readonly plane: Plane) {}

  /** Takes over what the public interface tells. */
  async refresh(): Promise<void> {
    const seen = new Set<string>();
    for (const said of await this.#views()) {
      const arn = said.serviceArn ?? '';
      const { serviceConnectConfiguration: connect, ...kept } = this.#kept.get(arn) ?? {};
      const view = { ...said, ...kept };
      seen.add(arn);
      const definition = await this.#definition(view.taskDefinition ?? '');
      let service = this.#services.get(arn);
      if (!service || service.isGone) {
        const aliases = await aliasesOf(view, definition, connect, this.plane.clients.discovery);
        service = new Service(view, { aliases, connect }, this.plane);
        this.#services.set(arn, service);
      }
      service.want(view, definition, this.#forced.delete(arn));
    }
    for (const [arn, service] of this.#services) if (!seen.has(arn)) service.delete();
  }

  /** The next look deploys anew, also where nothing else is different. */
  force(arn: string): void {
    this.#forced.add(arn);
  }

  /** What a service was given that the emulators forget. @param isNew - It is another service than one of that name before. */
  keep(arn: string, given: Kept, isNew: boolean): void {
    this.#kept.set(arn, { ...(isNew ? {} : this.#kept.get(arn)), ...given });
  }

  converge(group: string): void {
    for (const service of this.#services.values()) if (service.leadsTo(group)) service.converge();
  }

  service(arn: string): Service | undefined {
    return this.#services.get(arn);
  }

  /** By its name in a cluster. */
  named(cluster: string, name: string): Service | undefined {
    return [...this.#services.values()].find((one) => one.name === name && lastOf(one.cluster) === lastOf(cluster));
  }

  /** Those that run, and those that did. */
  get tasks(): readonly Task[] {
    const services = [...this.#services.values()];
    return [...services.flatMap(({ tasks, stoppedTasks }) => [...tasks, ...stoppedTasks]), ...this.#single.values()];
  }

  task(cluster: string, id: string): Task | undefined {
    return this.tasks.find((task) => task.id === lastOf(id) && lastOf(task.place.cluster) === lastOf(cluster));
  }

  /** Starts for real what RunTask said it started. */
  async run(said: TaskView): Promise<Task> {
    const definition = await this.#definition(said.taskDefinitionArn ?? '');
    const family = `family:${String(definition.family)}`;
    const task = new Task(
      definition,
      {
        arn: said.taskArn ?? '',
        cluster: said.clusterArn ?? '',
        group: said.group === '' ? family : (said.group ?? family),
        startedBy: said.startedBy ?? '',
        aliases: [],
        enableExecuteCommand: said.enableExecuteCommand ?? false,
        ...(said.overrides ? { overrides: said.overrides } : {}),
      },
      this.plane,
      () => undefined,
    );
    this.#single.set(task.arn, task);
    for (const [arn, old] of this.#single) {
      if (this.#single.size > STOPPED_KEPT && old.status === 'STOPPED') this.#single.delete(arn);
    }
    void task.start();
    return task;
  }

  /** Of the engine. */
  container(id: string): Container {
    return this.plane.engine.docker.getContainer(id);
  }

  /** What was said when a service was made or changed, of what the emulators forget. */
  kept(arn: string): Kept {
    return this.#kept.get(arn) ?? {};
  }

  async end(): Promise<void> {
    await Promise.all([
      ...[...this.#services.values()].map(async (service) => service.end()),
      ...[...this.#single.values()].map(async (task) => task.stop('The data plane ends', 'UserInitiated')),
    ]);
  }

  async #views(): Promise<readonly ServiceView[]> {
    const { ecs } = this.plane.clients;
    const views: ServiceView[] = [];
    for await (const { clusterArns = [] } of paginateListClusters({ client: ecs }, {})) {
      for (const cluster of clusterArns) {
        for await (const { serviceArns = [] } of paginateListServices(
          { client: ecs, pageSize: AT_ONCE },
          { cluster },
        )) {
          if (serviceArns.length === 0) continue;
          const { services = [] } = await ecs.send(
            new DescribeServicesCommand({ cluster, services: serviceArns, include: ['TAGS'] }),
          );
          views.push(...services.filter(({ status }) => status === 'ACTIVE'));
        }
      }
    }
    return views;
  }

  async #definition(arn: string): Promise<TaskDefinition> {
    const known = this.#definitions.get(arn);
    if (known) return known;
    const { taskDefinition = {} } = await this.plane.clients.ecs.send(
      new DescribeTaskDefinitionCommand({ taskDefinition: arn }),
    );
    this.#definitions.set(arn, taskDefinition);
    return taskDefinition;
  }
}

function lastOf(arn: string): string {
  return arn.slice(arn.lastIndexOf('/') + 1);
}
