import { CreateClusterCommand, DeleteClusterCommand, DescribeClustersCommand, type Cluster } from '@aws-sdk/client-ecs';
import {
  CreatePrivateDnsNamespaceCommand,
  DeleteNamespaceCommand,
  ListTagsForResourceCommand,
  paginateListNamespaces,
  type NamespaceSummary,
} from '@aws-sdk/client-servicediscovery';
import type { Found, Part } from '../part.ts';
import type { Site } from '../site.ts';

/** Services run in it. It has no machines of its own. */
export const cluster: Part = {
  name: 'cluster',
  after: [],
  async find(at) {
    const clusterName = at.name('cluster');
    const command = new DescribeClustersCommand({ clusters: [clusterName], include: ['TAGS'] });
    const { clusters = [] } = await at.send(({ ecs }, options) => ecs.send(command, options));
    // What was removed is told of for a while.
    const found = clusters.find(({ status }) => status !== 'INACTIVE');
    if (!found) return undefined;
    const tags = found.tags?.map(({ key, value }) => ({ Key: key, Value: value }));
    at.own(`the ECS cluster ${clusterName}`, tags);
    return { id: found.clusterArn ?? '', phase: phaseOf(found) };
  },
  async make(at) {
    const tags = at.tags('cluster').map(({ Key, Value }) => ({ key: Key, value: Value }));
    // What commands write is theirs who run them: a dump of a database is no line of a log.
    const configuration = { executeCommandConfiguration: { logging: 'NONE' as const } };
    const command = new CreateClusterCommand({ clusterName: at.name('cluster'), configuration, tags });
    const made = await at.send(({ ecs }, options) => ecs.send(command, options));
    return { id: made.cluster?.clusterArn ?? '', phase: phaseOf(made.cluster ?? {}) };
  },
  async remove(at, { id }) {
    await at.send(({ ecs }, options) => ecs.send(new DeleteClusterCommand({ cluster: id }), options));
  },
};

function phaseOf({ status }: Cluster): Found['phase'] {
  if (status === 'ACTIVE') return 'active';
  if (status === 'DEPROVISIONING') return 'destroying';
  return status === 'FAILED' ? 'failed' : 'creating';
}

/** Names inside of the network, for services without a route. */
export const namespace: Part = {
  name: 'namespace',
  after: ['vpc', 'host names'],
  lingers: true,
  async find(at) {
    const found = await namedOurs(at);
    if (!found) return undefined;
    const command = new ListTagsForResourceCommand({ ResourceARN: found.Arn });
    const { Tags } = await at.send(({ discovery }, options) => discovery.send(command, options));
    at.own(`the namespace ${nameOf(at)}`, Tags);
    return { id: found.Id ?? '', phase: 'active' };
  },
  async make(at) {
    const command = new CreatePrivateDnsNamespaceCommand({
      Name: nameOf(at),
      Vpc: await at.vpcId(),
      CreatorRequestId: at.call.token('namespace'),
      Tags: at.tags('namespace'),
    });
    await at.send(({ discovery }, options) => discovery.send(command, options));
    // It is made in its own time, and has no id before.
    const found = await namedOurs(at);
    return found ? { id: found.Id ?? '', phase: 'active' } : { id: '', phase: 'creating' };
  },
  async remove(at, { id: Id }) {
    await at.send(({ discovery }, options) => discovery.send(new DeleteNamespaceCommand({ Id }), options));
  },
};

export function nameOf(at: Site): string {
  return `${at.name('names')}.internal`;
}

async function namedOurs(at: Site): Promise<NamespaceSummary | undefined> {
  const Filters = [{ Name: 'TYPE' as const, Values: ['DNS_PRIVATE'], Condition: 'EQ' as const }];
  return at.send(async ({ discovery }, { abortSignal }) => {
    for await (const page of paginateListNamespaces({ client: discovery }, { Filters }, { abortSignal })) {
      const found = page.Namespaces?.find(({ Name }) => Name === nameOf(at));
      if (found) return found;
    }
    return undefined;
  });
}
