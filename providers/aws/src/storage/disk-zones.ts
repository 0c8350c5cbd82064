import { DescribeSubnetsCommand, type EC2Client } from '@aws-sdk/client-ec2';
import { ProviderError, type Call, type Host } from '@clusternator/core/provider';
import type { AwsFoundation } from '../foundation/outputs.ts';
import { paced } from '../paced.ts';

interface Parts {
  readonly ec2: EC2Client;
  readonly host: Host;
  readonly foundation: AwsFoundation;
}

/** Where a disk is made: always in the first zone by its name, so that what is mounted together is in one. */
export async function diskZone(parts: Parts, call: Call): Promise<string> {
  const [first] = [...(await subnetsByZone(parts, call)).keys()].sort();
  if (first !== undefined) return first;
  throw new ProviderError('not-found', 'EC2 tells of no zone that the subnets of the foundation are in', {
    hint: 'clusternator foundation create makes what is missing',
  });
}

/** The subnets of machines in a zone. An EBS volume is attached within its zone alone. @throws ProviderError `invalid`: there is none. */
export async function subnetsIn(zone: string, parts: Parts, call: Call): Promise<readonly string[]> {
  const found = (await subnetsByZone(parts, call)).get(zone);
  if (found) return found;
  throw new ProviderError('invalid', `a disk is in the zone ${zone}, where the foundation has no subnet for machines`, {
    path: 'volumes',
    hint: 'take a snapshot of it and restore that: what is restored is made where machines are',
  });
}

async function subnetsByZone({ ec2, host, foundation }: Parts, call: Call): Promise<Map<string, readonly string[]>> {
  const command = new DescribeSubnetsCommand({ SubnetIds: [...foundation.tasks.subnets] });
  const { Subnets = [] } = await paced(host, 'ec2', call, (options) => ec2.send(command, options));
  const byZone = new Map<string, readonly string[]>();
  for (const { AvailabilityZone: zone = '', SubnetId = '' } of Subnets)
    byZone.set(zone, [...(byZone.get(zone) ?? []), SubnetId]);
  return byZone;
}
