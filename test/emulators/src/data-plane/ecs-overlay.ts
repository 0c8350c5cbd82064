import type { DescribeServicesResponse, RunTaskResponse, Service as ServiceView } from '@aws-sdk/client-ecs';
import type { ExecSessions } from './exec/exec-sessions.ts';
import { json, refusal, type Answer, type Asked } from './exchange.ts';
import type { Kept, Services } from './services.ts';
import type { Targets } from './targets.ts';

/** Which services and tasks a call is about. */
interface Input extends Kept {
  readonly cluster?: string;
  readonly service?: string;
  readonly serviceName?: string;
  readonly services?: readonly string[];
  readonly include?: readonly string[];
  readonly tasks?: readonly string[];
  readonly task?: string;
  readonly reason?: string;
  readonly family?: string;
  readonly startedBy?: string;
  readonly desiredStatus?: string;
  readonly forceNewDeployment?: boolean;
  readonly loadBalancers?: readonly { readonly targetGroupArn?: string }[];
}

/** The truth in ECS's answers. */
export class EcsOverlay {
  constructor(
    private readonly services: Services,
    private readonly targets: Targets,
    private readonly sessions: ExecSessions,
    private readonly lookAtBalancers: () => Promise<void>,
  ) {}

  /** What AWS refuses and the emulators take; and what is answered without asking them. */
  async before({ action, input }: Asked): Promise<Answer | undefined> {
    const asked: Input = input;
    switch (action) {
      case 'ecs.CreateService':
        return this.#refuse(asked);
      case 'ecs.DescribeTasks':
        return json({ headers: {} }, this.#describe(asked));
      case 'ecs.ExecuteCommand':
        return this.sessions.execute(input);
      case 'ecs.StopTask':
        return this.#stop(asked);
      default:
        return undefined;
    }
  }

  /** @param answer - Of the emulator, which did it. */
  async after({ action, input }: Asked, answer: Answer): Promise<Answer> {
    const asked: Input = input;
    switch (action) {
      case 'ecs.ListTasks':
        return json(answer, { taskArns: this.#list(asked) });
      case 'ecs.DescribeServices':
        return json(answer, this.#truth(asked, bodyOf(answer)));
      case 'ecs.CreateService':
      case 'ecs.UpdateService': {
        const { service = {} }: { service?: ServiceView } = bodyOf(answer);
        const arn = service.serviceArn ?? '';
        this.services.keep(arn, keptOf(asked), action === 'ecs.CreateService');
        if (asked.forceNewDeployment) this.services.force(arn);
        return json(answer, { service: { ...service, ...this.#counts(service) } });
      }
      case 'ecs.DeleteService': {
        const { service = {} }: { service?: ServiceView } = bodyOf(answer);
        const known = this.services.service(service.serviceArn ?? '');
        known?.delete();
        return json(answer, { service: known?.view({ ...service, desiredCount: 0 }) ?? service });
      }
      case 'ecs.RunTask': {
        const { tasks = [], failures }: RunTaskResponse = bodyOf(answer);
        const { enableExecuteCommand = false } = asked;
        const started = await Promise.all(
          tasks.map(async (task) => this.services.run({ ...task, enableExecuteCommand })),
        );
        return json(answer, { tasks: started.map((task) => task.view()), failures });
      }
      default:
        return answer;
    }
  }

  /** Right after it was written nothing has started. */
  #counts(said: ServiceView): Partial<ServiceView> {
    const known = this.services.service(said.serviceArn ?? '');
    if (known && !known.isGone) {
      const { runningCount, pendingCount, deployments, events } = known.view(said);
      return { runningCount, pendingCount, deployments, events };
    }
    const deployments = (said.deployments ?? []).map((each) => ({
      ...each,
      runningCount: 0,
      pendingCount: 0,
      rolloutState: 'IN_PROGRESS',
    })) as ServiceView['deployments']; // the state is one of its enumeration
    return { runningCount: 0, pendingCount: 0, deployments, events: [] };
  }

  #truth(
    { cluster = 'default', services = [], include = [] }: Input,
    said: DescribeServicesResponse,
  ): DescribeServicesResponse {
    // The emulators forget what they deleted, AWS not before it has stopped.
    const withTags = ({ tags = [], ...view }: ServiceView) => ({
      ...view,
      ...(include.includes('TAGS') ? { tags } : {}),
    });
    const views = (said.services ?? []).map((view) => {
      const known = this.services.service(view.serviceArn ?? '');
      if (known?.isDraining && view.status !== 'ACTIVE') return withTags(known.view());
      const { enableExecuteCommand = false } = this.services.kept(view.serviceArn ?? '');
      if (known && !known.isDraining) return { ...known.view(view), enableExecuteCommand };
      return { ...view, ...(view.status === 'ACTIVE' ? this.#counts(view) : {}) };
    });
    // Deleted, and its tasks not stopped yet.
    const draining = services.flatMap((name) => {
      const known = this.services.named(cluster, lastOf(name));
      const isSaid = views.some(({ serviceName }) => serviceName === lastOf(name));
      return known?.isDraining && !isSaid ? [withTags(known.view())] : [];
    });
    const names = new Set(draining.map(({ serviceName }) => serviceName));
    const failures = (said.failures ?? []).filter(({ arn = '' }) => !names.has(lastOf(arn)));
    return { services: [...views, ...draining], failures };
  }

  /** @see https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html */
  async #refuse({ cluster = 'default', serviceName = '', loadBalancers = [] }: Input): Promise<Answer | undefined> {
    if (this.services.named(cluster, serviceName)?.isDraining) {
      return refusal('InvalidParameterException', 'Unable to Start a service that is still Draining.');
    }
    await this.lookAtBalancers();
    const loose = loadBalancers.find(({ targetGroupArn }) => targetGroupArn && !this.targets.isUsed(targetGroupArn));
    if (!loose) return undefined;
    return refusal(
      'InvalidParameterException',
      `The target group with targetGroupArn ${String(loose.targetGroupArn)} does not have an associated load balancer.`,
    );
  }

  #list({ cluster = 'default', serviceName, family, startedBy, desiredStatus = 'RUNNING' }: Input): readonly string[] {
    return this.services.tasks
      .filter(
        ({ place, definition, desired }) =>
          lastOf(place.cluster) === lastOf(cluster) &&
          desired === desiredStatus &&
          (serviceName === undefined || place.group === `service:${lastOf(serviceName)}`) &&
          (family === undefined || definition.family === family) &&
          (startedBy === undefined || place.startedBy === startedBy),
      )
      .map(({ arn }) => arn);
  }

  #describe({ cluster = 'default', tasks = [] }: Input): object {
    const found = tasks.map((id) => [id, this.services.task(cluster, id)] as const);
    return {
      tasks: found.flatMap(([, task]) => (task ? [task.view()] : [])),
      failures: found.flatMap(([arn, task]) => (task ? [] : [{ arn, reason: 'MISSING' }])),
    };
  }

  #stop({ cluster = 'default', task: id = '', reason = 'Task stopped by user' }: Input): Answer {
    const task = this.services.task(cluster, id);
    if (!task) return refusal('InvalidParameterException', 'The referenced task was not found.');
    void task.stop(reason, 'UserInitiated');
    return json({ headers: {} }, { task: task.view() });
  }
}

function keptOf(asked: Input): Kept {
  const {
    deploymentConfiguration,
    enableExecuteCommand,
    healthCheckGracePeriodSeconds,
    serviceRegistries,
    serviceConnectConfiguration,
  } = asked;
  return {
    ...(deploymentConfiguration ? { deploymentConfiguration } : {}),
    ...(enableExecuteCommand === undefined ? {} : { enableExecuteCommand }),
    ...(healthCheckGracePeriodSeconds === undefined ? {} : { healthCheckGracePeriodSeconds }),
    ...(serviceRegistries ? { serviceRegistries } : {}),
    ...(serviceConnectConfiguration ? { serviceConnectConfiguration } : {}),
  };
}

function bodyOf({ body }: Answer) {
  return JSON.parse(body.toString());
}

function lastOf(arn: string): string {
  return arn.slice(arn.lastIndexOf('/') + 1);
}
