import type { NetworkCreateOptions, NetworkInspectInfo } from 'dockerode';
import { ProviderError, type Tags } from '@clusternator/core/provider';
import type { Engine } from './engine.ts';
import { statusOf } from './errors.ts';
import type { ContainerNetwork } from './instance.ts';
import type { Ownership } from './labels.ts';
import { freeSubnet, gatewayOf, routedSubnets } from './subnets.ts';

/** One bridge an environment: its containers find each other by name, and nobody else's. */
export class Networks {
  /** By name: the engine lets two callers make two networks of one name. */
  private readonly making = new Map<string, Promise<unknown>>();

  constructor(
    private readonly engine: Engine,
    private readonly ours: Ownership,
  ) {}

  async ensure(environment: string, tags: Tags, signal: AbortSignal): Promise<ContainerNetwork> {
    const name = this.ours.networkName(environment);
    const before = this.making.get(name) ?? Promise.resolve();
    const made = before.catch(() => undefined).then(() => this.findOrMake(name, environment, tags, signal));
    this.making.set(name, made);
    try {
      return await made;
    } finally {
      if (this.making.get(name) === made) this.making.delete(name);
    }
  }

  async remove(environment: string, signal: AbortSignal): Promise<void> {
    for (const network of await this.named(this.ours.networkName(environment), signal)) {
      await this.removeById(network.Id, network.Name, signal);
    }
  }

  async removeById(id: string, name: string, signal: AbortSignal): Promise<void> {
    await this.engine.call(`remove the network ${name}`, signal, async (docker, abortSignal) => {
      try {
        await docker.getNetwork(id).remove({ abortSignal });
      } catch (error) {
        if (statusOf(error) === 404) return;
        // 403 on older engines, 400 on newer ones.
        if (!(error instanceof Error && error.message.includes('has active endpoints'))) throw error;
        throw new ProviderError('conflict', `the network ${name} has containers on it`, {
          cause: error,
          hint: `\`docker network inspect ${name}\` shows them; a container that is not ours has to be disconnected by hand`,
        });
      }
    });
  }

  async list(tags: Tags, signal: AbortSignal): Promise<{ id: string; name: string }[]> {
    const networks = await this.engine.call('list the networks', signal, (docker, abortSignal) =>
      docker.listNetworks({ filters: this.ours.filter(tags), abortSignal }),
    );
    return networks.map(({ Id, Name }) => ({ id: Id, name: Name }));
  }

  private async findOrMake(
    name: string,
    environment: string,
    tags: Tags,
    signal: AbortSignal,
  ): Promise<ContainerNetwork> {
    if ((await this.named(name, signal)).length === 0) await this.make(name, environment, tags, signal);
    const [first, ...doubles] = await this.named(name, signal);
    // A call that was cut off and made again may have left a second one; nothing is on it yet.
    for (const double of doubles) await this.removeById(double.Id, double.Name, signal);
    if (!first) throw new ProviderError('unavailable', `the network ${name} was removed while it was made`);
    return networkOf(first);
  }

  /** The engine chooses the addresses. Once its pools are used up, which takes some 30 networks, they are of ours. */
  private async make(name: string, environment: string, tags: Tags, signal: AbortSignal): Promise<void> {
    const labels = this.ours.networkLabels(environment, tags);
    try {
      await this.makeWith({ Name: name, Labels: labels }, signal);
    } catch (error) {
      if (!(ProviderError.is(error) && error.code === 'quota')) throw error;
      const taken = [...(await this.subnets(signal)), ...(await routedSubnets())];
      const subnet = freeSubnet(name, taken);
      if (subnet === undefined) throw error;
      await this.makeWith({ Name: name, Labels: labels, IPAM: { Config: [{ Subnet: subnet }] } }, signal);
    }
  }

  private async makeWith(request: NetworkCreateOptions, signal: AbortSignal): Promise<void> {
    await this.engine.call(`make the network ${request.Name}`, signal, (docker, abortSignal) =>
      docker.createNetwork({ Driver: 'bridge', CheckDuplicate: true, ...request, abortSignal }),
    );
  }

  private async subnets(signal: AbortSignal): Promise<string[]> {
    const networks = await this.engine.call('list the networks', signal, (docker, abortSignal) =>
      docker.listNetworks({ abortSignal }),
    );
    return networks.flatMap(({ IPAM }) => IPAM?.Config ?? []).flatMap(({ Subnet }) => Subnet ?? []);
  }

  /** Oldest first. */
  private async named(name: string, signal: AbortSignal): Promise<NetworkInspectInfo[]> {
    const networks = await this.engine.call(`find the network ${name}`, signal, (docker, abortSignal) =>
      docker.listNetworks({ filters: { name: [name] }, abortSignal }),
    );
    // The engine's filter takes a part of a name too.
    const found = networks.filter((network) => network.Name === name);
    for (const network of found) this.ours.assertOwns(network.Labels, `the network ${name}`);
    return found.sort((one, other) => one.Created.localeCompare(other.Created));
  }
}

function networkOf({ Name, Id, IPAM }: NetworkInspectInfo): ContainerNetwork {
  // Older engines tell the gateway only of subnets that they chose themselves.
  for (const { Subnet: subnet = '', Gateway: gateway = gatewayOf(subnet) } of IPAM?.Config ?? []) {
    if (gateway !== undefined && !gateway.includes(':')) return { name: Name, id: Id, gateway, subnet };
  }
  throw new ProviderError('internal', `the network ${Name} has no IPv4 address of this machine`);
}
