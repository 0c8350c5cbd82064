import {
  CreateServiceCommand,
  DeleteServiceCommand,
  ListTagsForResourceCommand,
  paginateListServices,
  type ServiceDiscoveryClient,
  type ServiceSummary,
} from '@aws-sdk/client-servicediscovery';
import type { Call, Tags } from '@clusternator/core/provider';
import { allSettled } from '../all-settled.ts';
import type { AwsFoundation } from '../foundation/outputs.ts';
import { isNamed, unlessAbsent } from '../storage/aws-error.ts';
import { toAwsTags, type AwsTag } from '../storage/aws-tags.ts';

/** A task that was replaced is asked for this long. */
const TTL_SECONDS = 5;

/** Names in the network for services that others need: Cloud Map keeps the addresses of their tasks. */
export class ServiceNames {
  constructor(
    private readonly client: ServiceDiscoveryClient,
    private readonly foundation: AwsFoundation,
  ) {}

  /** Where the others find it. */
  hostOf(name: string): string {
    return `${name}.${this.foundation.namespace.name}`;
  }

  async beginningWith(prefix: string, call: Call): Promise<readonly ServiceSummary[]> {
    const { id } = this.foundation.namespace;
    const input = { Filters: [{ Name: 'NAMESPACE_ID' as const, Values: [id] }] };
    const found: ServiceSummary[] = [];
    for await (const page of paginateListServices({ client: this.client }, input, { abortSignal: call.signal })) {
      found.push(...(page.Services ?? []).filter(({ Name = '' }) => Name.startsWith(prefix)));
    }
    return found;
  }

  async tagsOf({ Arn }: ServiceSummary, call: Call): Promise<readonly AwsTag[]> {
    const command = new ListTagsForResourceCommand({ ResourceARN: Arn });
    const asked = this.client.send(command, { abortSignal: call.signal });
    return (await unlessAbsent(asked, ['ResourceNotFound']))?.Tags ?? [];
  }

  /** To be called for a name that is not there. */
  async create(Name: string, tags: Tags, call: Call): Promise<ServiceSummary> {
    const command = new CreateServiceCommand({
      Name,
      NamespaceId: this.foundation.namespace.id,
      CreatorRequestId: call.token(`name ${Name}`),
      DnsConfig: { RoutingPolicy: 'MULTIVALUE', DnsRecords: [{ Type: 'A', TTL: TTL_SECONDS }] },
      HealthCheckCustomConfig: {},
      Tags: toAwsTags(tags),
    });
    try {
      const { Service } = await this.client.send(command, { abortSignal: call.signal });
      return Service ?? {};
    } catch (error) {
      const meanwhile = isNamed(error, ['ServiceAlreadyExists']) ? await this.beginningWith(Name, call) : [];
      const [found] = meanwhile.filter((one) => one.Name === Name);
      if (found) return found;
      throw error;
    }
  }

  /** Not while tasks are registered under it: core asks again. */
  async remove(ids: readonly string[], call: Call): Promise<void> {
    const removing = ids.map((Id) =>
      unlessAbsent(this.client.send(new DeleteServiceCommand({ Id }), { abortSignal: call.signal }), [
        'ServiceNotFound',
      ]),
    );
    await allSettled(removing);
  }
}
