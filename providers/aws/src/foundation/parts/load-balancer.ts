import {
  CreateLoadBalancerCommand,
  DeleteLoadBalancerCommand,
  DescribeLoadBalancersCommand,
  DescribeTagsCommand,
  SetSecurityGroupsCommand,
  SetSubnetsCommand,
  type LoadBalancer,
  type LoadBalancerStateEnum,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import type { RecordSet } from '@clusternator/core/provider';
import { unlessAbsent } from '../../storage/aws-error.ts';
import type { Found, Part } from '../part.ts';
import { zonesOf } from '../shape.ts';
import type { Site } from '../site.ts';
import { nameOfSubnet } from './subnets.ts';

/** @see https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html */
const NAME_MAX_LENGTH = 32;
const RECORD_TTL_SECONDS = 300;
const PHASES: Readonly<Record<LoadBalancerStateEnum, Found['phase']>> = {
  provisioning: 'creating',
  active: 'active',
  active_impaired: 'active',
  failed: 'failed',
};

/** All environments and slots are behind it. It has the fingerprint of what the foundation was made from. */
export const loadBalancer: Part = {
  name: 'load balancer',
  after: [
    'load balancer group',
    'way to the internet',
    ...zonesOf({ zones: 6 }).map((zone) => nameOfSubnet('public', zone)),
  ],
  async find(at) {
    const found = await describe(at);
    if (!found) return undefined;
    const { LoadBalancerArn: id = '', State } = found;
    const { TagDescriptions } = await at.ask('elbRead', ({ elb }, options) =>
      elb.send(new DescribeTagsCommand({ ResourceArns: [id] }), options),
    );
    const identity = at.own(`the load balancer ${nameOf(at)}`, TagDescriptions?.[0]?.Tags);
    at.lead(identity);
    return {
      ...show(found),
      differs: !(await hasSubnets(at, found)) || !(await hasGroup(at, found)),
      ...(State?.Reason !== undefined && { message: State.Reason }),
      details: { ...show(found).details, fingerprint: identity.fingerprint },
    };
  },
  async make(at, found) {
    const Subnets = [...(await at.subnetIds('public'))];
    const SecurityGroups = [await at.idOf('load balancer group')];
    if (found) return mended(at, found, Subnets, SecurityGroups);
    const command = new CreateLoadBalancerCommand({
      Name: nameOf(at),
      Type: 'application',
      Scheme: 'internet-facing',
      IpAddressType: 'ipv4',
      Subnets,
      SecurityGroups,
      Tags: at.tags('load balancer'),
    });
    const { LoadBalancers } = await at.ask('elbRead', ({ elb }, options) => elb.send(command, options));
    return show(LoadBalancers?.[0] ?? {});
  },
  async remove(at, { id: LoadBalancerArn }) {
    await at.ask('elbRead', ({ elb }, options) =>
      elb.send(new DeleteLoadBalancerCommand({ LoadBalancerArn }), options),
    );
  },
};

/** All names right below the domain lead there: a CNAME, which DNS outside of Route 53 takes too. */
export function nameRecords(domain: string | undefined, found: Found | undefined): readonly RecordSet[] {
  const dnsName = found?.details?.dnsName ?? '';
  if (domain === undefined || dnsName === '') return [];
  return [{ name: `*.${domain}`, type: 'CNAME', ttlSeconds: RECORD_TTL_SECONDS, values: [dnsName.toLowerCase()] }];
}

function nameOf(at: Site): string {
  return at.name('lb', NAME_MAX_LENGTH);
}

async function describe(at: Site): Promise<LoadBalancer | undefined> {
  const command = new DescribeLoadBalancersCommand({ Names: [nameOf(at)] });
  const asked = at.ask('elbRead', ({ elb }, options) => elb.send(command, options));
  return (await unlessAbsent(asked, ['LoadBalancerNotFound']))?.LoadBalancers?.[0];
}

function show({ LoadBalancerArn = '', DNSName = '', CanonicalHostedZoneId = '', State }: LoadBalancer): Found {
  const details = { dnsName: DNSName, zone: CanonicalHostedZoneId };
  return { id: LoadBalancerArn, phase: PHASES[State?.Code ?? 'provisioning'], details };
}

async function hasSubnets(at: Site, { AvailabilityZones = [] }: LoadBalancer): Promise<boolean> {
  const is = AvailabilityZones.flatMap(({ SubnetId }) => SubnetId ?? []);
  const wanted = await at.subnetIdsSoFar('public');
  return is.length === wanted.length && wanted.every((id) => id !== undefined && is.includes(id));
}

/** Others beside it are somebody's choice. */
async function hasGroup(at: Site, { SecurityGroups = [] }: LoadBalancer): Promise<boolean> {
  const group = await at.find('load balancer group');
  return group !== undefined && SecurityGroups.includes(group.id);
}

async function mended(at: Site, found: Found, Subnets: string[], groups: string[]): Promise<Found> {
  const { id: LoadBalancerArn } = found;
  const is = await describe(at);
  if (is && !(await hasSubnets(at, is))) {
    const command = new SetSubnetsCommand({ LoadBalancerArn, Subnets });
    await at.ask('elbRead', ({ elb }, options) => elb.send(command, options));
  }
  if (is && !(await hasGroup(at, is))) {
    const SecurityGroups = [...(is.SecurityGroups ?? []), ...groups];
    const command = new SetSecurityGroupsCommand({ LoadBalancerArn, SecurityGroups });
    await at.ask('elbRead', ({ elb }, options) => elb.send(command, options));
  }
  return { ...found, differs: false };
}
