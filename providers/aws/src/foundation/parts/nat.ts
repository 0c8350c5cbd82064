import {
  AllocateAddressCommand,
  CreateNatGatewayCommand,
  DeleteNatGatewayCommand,
  ReleaseAddressCommand,
  type NatGatewayState,
} from '@aws-sdk/client-ec2';
import type { Found, Part } from '../part.ts';
import { zonesWithNat, type Shape } from '../shape.ts';
import { nameOfSubnet } from './subnets.ts';

const PHASES: Readonly<Record<NatGatewayState, Found['phase']>> = {
  pending: 'creating',
  available: 'active',
  failed: 'failed',
  deleting: 'destroying',
  deleted: 'destroying',
};

/** NAT gateways, by which private subnets reach out, and their addresses. */
export function nat(shape: Pick<Shape, 'zones' | 'nat'>): readonly Part[] {
  return zonesWithNat(shape).flatMap((zone) => [address(zone), gateway(zone)]);
}

function address(zone: number): Part {
  const name = `address ${String(zone)}`;
  return {
    name,
    after: [],
    async find(at) {
      const found = (await at.ec2.addresses()).get(name);
      return found && { id: found.AllocationId ?? '', phase: 'active' };
    },
    async make(at) {
      const TagSpecifications = at.ec2.tagged('elastic-ip', name);
      const command = new AllocateAddressCommand({ Domain: 'vpc', TagSpecifications });
      const { AllocationId = '' } = await at.ask('ec2', ({ ec2 }, options) => ec2.send(command, options));
      return { id: AllocationId, phase: 'active' };
    },
    async remove(at, { id: AllocationId }) {
      await at.ask('ec2', ({ ec2 }, options) => ec2.send(new ReleaseAddressCommand({ AllocationId }), options));
    },
  };
}

function gateway(zone: number): Part {
  const name = `nat gateway ${String(zone)}`;
  return {
    name,
    // A gateway whose VPC has no way to the internet fails.
    after: [nameOfSubnet('public', zone), `address ${String(zone)}`, 'way to the internet'],
    lingers: true,
    async find(at) {
      const found = (await at.ec2.natGateways()).get(name);
      if (!found) return undefined;
      const { NatGatewayId = '', State = 'pending', FailureMessage: message } = found;
      return { id: NatGatewayId, phase: PHASES[State], ...(message !== undefined && { message }) };
    },
    async make(at) {
      const command = new CreateNatGatewayCommand({
        SubnetId: await at.idOf(nameOfSubnet('public', zone)),
        AllocationId: await at.idOf(`address ${String(zone)}`),
        ClientToken: at.call.token(name),
        TagSpecifications: at.ec2.tagged('natgateway', name),
      });
      const { NatGateway } = await at.ask('ec2', ({ ec2 }, options) => ec2.send(command, options));
      return { id: NatGateway?.NatGatewayId ?? '', phase: PHASES[NatGateway?.State ?? 'pending'] };
    },
    async remove(at, { id: NatGatewayId }) {
      await at.ask('ec2', ({ ec2 }, options) => ec2.send(new DeleteNatGatewayCommand({ NatGatewayId }), options));
    },
  };
}
