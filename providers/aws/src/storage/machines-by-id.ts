import { DescribeInstancesCommand, type EC2Client, type Filter, type Instance } from '@aws-sdk/client-ec2';
import type { Call, Host } from '@clusternator/core/provider';
import { paced } from '../paced.ts';

interface Parts {
  readonly ec2: EC2Client;
  readonly host: Host;
}
const ENDING = new Set(['shutting-down', 'terminated']);

/** Machines that there are. One that ended is told of for an hour, and then no more. */
export async function machinesById(parts: Parts, ids: readonly string[], call: Call): Promise<readonly Instance[]> {
  return machinesBy({ Name: 'instance-id', Values: [...ids] }, parts, call);
}

export async function machinesBy(filter: Filter, { ec2, host }: Parts, call: Call): Promise<readonly Instance[]> {
  const command = new DescribeInstancesCommand({ Filters: [filter] });
  const { Reservations = [] } = await paced(host, 'ec2', call, (options) => ec2.send(command, options));
  return Reservations.flatMap(({ Instances = [] }) => Instances);
}

/** It runs no more, or soon won't: EC2 detaches its volumes. */
export function isEnding({ State }: Instance): boolean {
  return ENDING.has(State?.Name ?? '');
}
