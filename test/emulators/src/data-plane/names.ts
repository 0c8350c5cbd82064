import type { Service, ServiceConnectConfiguration, TaskDefinition } from '@aws-sdk/client-ecs';
import { GetNamespaceCommand, GetServiceCommand, type ServiceDiscoveryClient } from '@aws-sdk/client-servicediscovery';

/**
 * The names at which other tasks find those of a service: of Cloud Map and of Service Connect. Both lead to the task's own ports.
 * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-connect-concepts.html
 */
export async function aliasesOf(
  service: Service,
  definition: TaskDefinition,
  connect: ServiceConnectConfiguration | undefined,
  client: ServiceDiscoveryClient,
): Promise<readonly string[]> {
  const registries = (service.serviceRegistries ?? []).map(async ({ registryArn = '' }) => nameIn(registryArn, client));
  const { services = [] } = connect?.enabled ? connect : {};
  const connected = services.flatMap(({ clientAliases = [], portName, discoveryName = portName ?? '' }) => [
    discoveryName,
    ...clientAliases.map(({ port, dnsName }) => {
      const mapped = (definition.containerDefinitions ?? [])
        .flatMap(({ portMappings = [] }) => portMappings)
        .find(({ name }) => name === portName);
      if (mapped && mapped.containerPort !== port)
        throw new Error(`an alias at another port is not played: ${String(port)}`);
      return dnsName ?? discoveryName;
    }),
  ]);
  return [...(await Promise.all(registries)), ...connected].filter((name) => name !== '');
}

async function nameIn(registry: string, client: ServiceDiscoveryClient): Promise<string> {
  const Id = registry.slice(registry.lastIndexOf('/') + 1);
  const { Service: found } = await client.send(new GetServiceCommand({ Id }));
  const { Namespace } = await client.send(new GetNamespaceCommand({ Id: found?.NamespaceId ?? '' }));
  return `${found?.Name ?? ''}.${Namespace?.Name ?? ''}`;
}
