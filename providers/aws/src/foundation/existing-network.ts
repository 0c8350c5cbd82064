import { DescribeSubnetsCommand } from '@aws-sdk/client-ec2';
import { ProviderError } from '@clusternator/core/provider';
import { isNamed } from '../storage/aws-error.ts';
import type { Site } from './site.ts';

/** @throws ProviderError `invalid`: it has no such subnets, or they can't hold a load balancer. */
export async function checkExisting(at: Site): Promise<void> {
  const { existing } = at.shape;
  if (!existing) return;
  const SubnetIds = Object.values(existing.subnets).flat();
  try {
    const command = new DescribeSubnetsCommand({ SubnetIds });
    const { Subnets = [] } = await at.ask('ec2', ({ ec2 }, options) => ec2.send(command, options));
    const stray = Subnets.find(({ VpcId }) => VpcId !== existing.vpc);
    if (stray) throw bad(`${stray.SubnetId ?? ''} is in ${stray.VpcId ?? ''}, not in ${existing.vpc}`);
    const zones = new Set(
      Subnets.filter(({ SubnetId = '' }) => existing.subnets.public?.includes(SubnetId)).map(
        (one) => one.AvailabilityZone,
      ),
    );
    if (zones.size < 2) throw bad('a load balancer needs public subnets in two zones or more');
  } catch (error) {
    if (isNamed(error, ['InvalidSubnetID.NotFound'])) throw bad('one of them is not there', error);
    throw error;
  }
}

function bad(message: string, cause?: unknown): ProviderError {
  return new ProviderError('invalid', `the subnets of network.vpc can't be used: ${message}`, {
    path: 'provider.network.subnets',
    cause,
  });
}
