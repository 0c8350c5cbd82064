import {
  AttachInternetGatewayCommand,
  CreateInternetGatewayCommand,
  CreateVpcCommand,
  DeleteInternetGatewayCommand,
  DeleteVpcCommand,
  DescribeVpcAttributeCommand,
  DetachInternetGatewayCommand,
  ModifyVpcAttributeCommand,
} from '@aws-sdk/client-ec2';
import type { Part } from '../part.ts';

const network: Part = {
  name: 'vpc',
  after: [],
  async find(at) {
    const found = (await at.ec2.vpcs()).get('vpc');
    return found && { id: found.VpcId ?? '', phase: found.State === 'pending' ? 'creating' : 'active' };
  },
  async make(at) {
    const command = new CreateVpcCommand({
      CidrBlock: at.shape.cidr,
      TagSpecifications: at.ec2.tagged('vpc', 'vpc'),
    });
    const { Vpc } = await at.ask('ec2', ({ ec2 }, options) => ec2.send(command, options));
    return { id: Vpc?.VpcId ?? '', phase: 'active' };
  },
  async remove(at, { id: VpcId }) {
    await at.ask('ec2', ({ ec2 }, options) => ec2.send(new DeleteVpcCommand({ VpcId }), options));
  },
};

/** Without it no name of Cloud Map or EFS is found from inside. @see https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html#vpc-dns-support */
const hostNames: Part = {
  name: 'host names',
  after: ['vpc'],
  within: 'vpc',
  async find(at) {
    const found = await at.find('vpc');
    if (!found) return undefined;
    const command = new DescribeVpcAttributeCommand({ VpcId: found.id, Attribute: 'enableDnsHostnames' });
    const { EnableDnsHostnames } = await at.ask('ec2', ({ ec2 }, options) => ec2.send(command, options));
    return EnableDnsHostnames?.Value === true ? { id: found.id, phase: 'active' } : undefined;
  },
  async make(at) {
    const id = await at.idOf('vpc');
    const command = new ModifyVpcAttributeCommand({ VpcId: id, EnableDnsHostnames: { Value: true } });
    await at.ask('ec2', ({ ec2 }, options) => ec2.send(command, options));
    return { id, phase: 'active' };
  },
};

const internetGateway: Part = {
  name: 'internet gateway',
  after: [],
  async find(at) {
    const found = (await at.ec2.internetGateways()).get('internet gateway');
    return found && { id: found.InternetGatewayId ?? '', phase: 'active' };
  },
  async make(at) {
    const TagSpecifications = at.ec2.tagged('internet-gateway', 'internet gateway');
    const command = new CreateInternetGatewayCommand({ TagSpecifications });
    const { InternetGateway } = await at.ask('ec2', ({ ec2 }, options) => ec2.send(command, options));
    return { id: InternetGateway?.InternetGatewayId ?? '', phase: 'active' };
  },
  async remove(at, { id: InternetGatewayId }) {
    const command = new DeleteInternetGatewayCommand({ InternetGatewayId });
    await at.ask('ec2', ({ ec2 }, options) => ec2.send(command, options));
  },
};

const attachment: Part = {
  name: 'way to the internet',
  after: ['vpc', 'internet gateway'],
  async find(at) {
    const gateway = (await at.ec2.internetGateways()).get('internet gateway');
    const id = gateway?.Attachments?.find(({ State }) => State !== 'detached')?.VpcId;
    return id === undefined ? undefined : { id, phase: 'active' };
  },
  async make(at) {
    const VpcId = await at.idOf('vpc');
    const command = new AttachInternetGatewayCommand({ VpcId, InternetGatewayId: await at.idOf('internet gateway') });
    await at.ask('ec2', ({ ec2 }, options) => ec2.send(command, options));
    return { id: VpcId, phase: 'active' };
  },
  async remove(at, { id: VpcId }) {
    const command = new DetachInternetGatewayCommand({ VpcId, InternetGatewayId: await at.idOf('internet gateway') });
    await at.ask('ec2', ({ ec2 }, options) => ec2.send(command, options));
  },
};

/** A network of its own, and its way to the internet. */
export const vpc: readonly Part[] = [network, hostNames, internetGateway, attachment];
