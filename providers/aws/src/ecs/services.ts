import {
  CreateServiceCommand,
  DeleteServiceCommand,
  DescribeServicesCommand,
  paginateListServices,
  UpdateServiceCommand,
  type CreateServiceCommandInput,
  type ECSClient,
  type Service,
} from '@aws-sdk/client-ecs';
import { ProviderError, type Call, type Host } from '@clusternator/core/provider';
import { allSettled } from '../all-settled.ts';
import type { AwsFoundation } from '../foundation/outputs.ts';
import { paced } from '../paced.ts';
import { isNamed, unlessAbsent } from '../storage/aws-error.ts';
import { MOST_SERVICES, serviceNames } from './names.ts';

const GONE = ['ServiceNotFound', 'ServiceNotActive'];

/** The services of our cluster. ECS tells of deleted ones for a while, as INACTIVE: those are left out. */
export class Services {
  constructor(
    private readonly ecs: ECSClient,
    private readonly host: Host,
    private readonly foundation: AwsFoundation,
  ) {}

  /** Those of an environment, in one call. */
  async of(key: string, call: Call): Promise<readonly Service[]> {
    return this.named(serviceNames(key), call);
  }

  /** All of the cluster, a page at a time. */
  async *all(call: Call): AsyncGenerator<Service> {
    const { cluster } = this.foundation;
    await this.host.pace('ecsRead', call);
    const pages = paginateListServices(
      { client: this.ecs },
      { cluster, maxResults: 100 },
      { abortSignal: call.signal },
    );
    for await (const { serviceArns = [] } of pages) {
      for (let at = 0; at < serviceArns.length; at += MOST_SERVICES) {
        yield* await this.named(serviceArns.slice(at, at + MOST_SERVICES), call);
      }
    }
  }

  async create(request: CreateServiceCommandInput, call: Call): Promise<void> {
    try {
      await paced(this.host, 'ecsServices', call, (options) =>
        this.ecs.send(new CreateServiceCommand(request), options),
      );
    } catch (error) {
      // A call beside this one was first, with a token or a revision of its own.
      if (!isNamed(error, ['InvalidParameter', 'Client'])) throw error;
      const [meanwhile] = await this.named([request.serviceName ?? ''], call);
      if (meanwhile?.status !== 'ACTIVE') throw error;
    }
  }

  /** @throws ProviderError `not-found`. */
  async scale(service: string, desiredCount: number, call: Call): Promise<void> {
    const command = new UpdateServiceCommand({ cluster: this.foundation.cluster, service, desiredCount });
    const asked = paced(this.host, 'ecsServices', call, (options) => this.ecs.send(command, options));
    if (!(await unlessAbsent(asked, GONE))) throw new ProviderError('not-found', `there is no ECS service ${service}`);
  }

  /** Each ends its tasks, and is gone once they are. @returns Those whose tasks have not ended yet. */
  async remove(services: readonly Service[], call: Call): Promise<readonly Service[]> {
    const { cluster } = this.foundation;
    const removing = services.map(async (service): Promise<readonly Service[]> => {
      const command = new DeleteServiceCommand({ cluster, service: service.serviceName, force: true });
      const asked = paced(this.host, 'ecsServices', call, (options) => this.ecs.send(command, options));
      const answer = await unlessAbsent(asked, GONE);
      return !answer || answer.service?.status === 'INACTIVE' ? [] : [{ ...service, status: 'DRAINING' }];
    });
    return (await allSettled(removing)).flat();
  }

  /** Of these, those that there are. */
  async named(names: readonly string[], call: Call): Promise<readonly Service[]> {
    const command = new DescribeServicesCommand({
      cluster: this.foundation.cluster,
      services: [...names],
      include: ['TAGS'],
    });
    const { services = [], failures = [] } = await paced(this.host, 'ecsRead', call, (options) =>
      this.ecs.send(command, options),
    );
    const [failed] = failures.filter(({ reason }) => reason !== 'MISSING');
    if (failed) {
      const { arn = '', reason = '', detail = '' } = failed;
      throw new ProviderError('unavailable', `ECS does not tell of ${arn}: ${reason} ${detail}`, { effect: 'none' });
    }
    return services.filter(({ status }) => status !== 'INACTIVE');
  }
}
