import { CreateSubnetCommand, DeleteSubnetCommand } from '@aws-sdk/client-ec2';
import { ProviderError } from '@clusternator/core/provider';
import type { Part } from '../part.ts';
import { zonesOf, type Shape, type Tier } from '../shape.ts';
import type { Site } from '../site.ts';

export const TIERS: readonly Tier[] = ['public', 'app', 'db'];
/** A network is cut into 32 blocks, eight for each tier: so that a zone more moves none. */
const BITS = 5;
const BLOCKS_PER_TIER = 8;

export function nameOfSubnet(tier: Tier, zone: number): string {
  return `${tier} subnet ${String(zone)}`;
}

/** Public ones for the load balancer and the ways out, those of the app, and those of databases: one of each in every zone. */
export function subnets(shape: Pick<Shape, 'zones'>): readonly Part[] {
  return TIERS.flatMap((tier) => zonesOf(shape).map((zone) => subnet(tier, zone)));
}

function subnet(tier: Tier, zone: number): Part {
  const name = nameOfSubnet(tier, zone);
  return {
    name,
    after: ['vpc'],
    async find(at) {
      const found = (await at.ec2.subnets()).get(name);
      return found && { id: found.SubnetId ?? '', phase: found.State === 'pending' ? 'creating' : 'active' };
    },
    async make(at) {
      const command = new CreateSubnetCommand({
        VpcId: await at.idOf('vpc'),
        AvailabilityZone: await zoneName(at, zone),
        CidrBlock: blockOf(at.shape.cidr, TIERS.indexOf(tier) * BLOCKS_PER_TIER + zone - 1),
        TagSpecifications: at.ec2.tagged('subnet', name),
      });
      const { Subnet } = await at.ask('ec2', ({ ec2 }, options) => ec2.send(command, options));
      return { id: Subnet?.SubnetId ?? '', phase: 'active' };
    },
    async remove(at, { id: SubnetId }) {
      await at.ask('ec2', ({ ec2 }, options) => ec2.send(new DeleteSubnetCommand({ SubnetId }), options));
    },
  };
}

async function zoneName(at: Site, zone: number): Promise<string> {
  const zones = await at.zones();
  const name = zones[zone - 1];
  if (name !== undefined) return name;
  throw new ProviderError('invalid', `${await at.region()} has ${String(zones.length)} zones, not ${String(zone)}`, {
    path: 'provider.network.zones',
  });
}

/** @param index - From 0. @returns The block of a network of its own size divided by 32, as `10.0.8.0/21`. */
export function blockOf(cidr: string, index: number): string {
  const [address = '', prefix = ''] = cidr.split('/');
  const size = Number(prefix) + BITS;
  const base = address.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0);
  const network = base - (base % 2 ** (32 - Number(prefix)));
  const start = network + index * 2 ** (32 - size);
  const bytes = [24, 16, 8, 0].map((shift) => Math.floor(start / 2 ** shift) % 256);
  return `${bytes.join('.')}/${String(size)}`;
}
