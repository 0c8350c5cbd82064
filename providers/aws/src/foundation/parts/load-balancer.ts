import {
  CreateLoadBalancerCommand,
  DeleteLoadBalancerCommand,
  DescribeLoadBalancersCommand,
  DescribeTagsCommand,
  SetSecurityGroupsCommand,
  SetSubnetsCommand,
  paginateDescribeLoadBalancers,
  type LoadBalancer,
  type LoadBalancerStateEnum,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import type { RecordSet } from '@clusternator/core/provider';
import { unlessAbsent } from '../../storage/aws-error.ts';
import type { AwsTag } from '../../storage/aws-tags.ts';
import { MOST_BALANCERS } from '../config.ts';
import { partName, type Found, type Part } from '../part.ts';
import { placesOf, zonesOf } from '../shape.ts';
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

/**
 * Environments and slots are behind them. The first has the fingerprint of what the foundation was made from, and goes last.
 * @param place - From 1.
 */
export function loadBalancer(place: number): Part {
  const name = partName('load balancer', place);
  return {
    name,
    after: [
      'load balancer group',
      'way to the internet',
      ...zonesOf({ zones: 6 }).map((zone) => nameOfSubnet('public', zone)),
    ],
    ...(place > 1 && { endsBefore: ['load balancer'] }),
    async find(at) {
      const found = (await at.loadBalancers()).get(name);
      if (!found) return undefined;
      const { balancer, tags } = found;
      const { State } = balancer;
      const identity = at.own(`the load balancer ${nameOf(at, place)}`, tags);
      if (place === 1) at.lead(identity);
      return {
        ...show(balancer),
        differs: !(await hasSubnets(at, balancer)) || !(await hasGroup(at, balancer)),
        ...(State?.Reason !== undefined && { message: State.Reason }),
        details: { ...show(balancer).details, fingerprint: identity.fingerprint },
      };
    },
    async make(at, found) {
      const Subnets = [...(await at.subnetIds('public'))];
      const SecurityGroups = [await at.idOf('load balancer group')];
      if (found) return mended(at, found, Subnets, SecurityGroups);
      const command = new CreateLoadBalancerCommand({
        Name: nameOf(at, place),
        Type: 'application',
        Scheme: 'internet-facing',
        IpAddressType: 'ipv4',
        Subnets,
        SecurityGroups,
        Tags: at.tags(name),
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
}

/** One that has the name of one of ours, and the tags that it has. */
export interface OwnBalancer {
  readonly balancer: LoadBalancer;
  readonly tags: readonly AwsTag[] | undefined;
}

/** One list finds them all, however many there are to be: a question for several names is refused when one of them is not there. */
export async function readLoadBalancers(at: Site): Promise<ReadonlyMap<string, OwnBalancer>> {
  const parts = new Map(
    placesOf({ loadBalancers: MOST_BALANCERS }).map((place) => [nameOf(at, place), partName('load balancer', place)]),
  );
  const found: LoadBalancer[] = [];
  await at.ask('elbRead', async ({ elb }, { abortSignal }) => {
    for await (const { LoadBalancers = [] } of paginateDescribeLoadBalancers({ client: elb }, {}, { abortSignal }))
      found.push(...LoadBalancers.filter(({ LoadBalancerName = '' }) => parts.has(LoadBalancerName)));
  });
  if (found.length === 0) return new Map();
  const ResourceArns = found.map(({ LoadBalancerArn = '' }) => LoadBalancerArn);
  const { TagDescriptions = [] } = await at.ask('elbRead', ({ elb }, options) =>
    elb.send(new DescribeTagsCommand({ ResourceArns }), options),
  );
  return new Map(
    found.map((balancer) => {
      const { LoadBalancerName = '', LoadBalancerArn } = balancer;
      const tags = TagDescriptions.find(({ ResourceArn }) => ResourceArn === LoadBalancerArn)?.Tags;
      return [parts.get(LoadBalancerName) ?? '', { balancer, tags }];
    }),
  );
}

/** All names right below the domain lead there: a CNAME, which DNS outside of Route 53 takes too. */
export function nameRecords(domain: string | undefined, found: Found | undefined): readonly RecordSet[] {
  const dnsName = found?.details?.dnsName ?? '';
  if (domain === undefined || dnsName === '') return [];
  return [{ name: `*.${domain}`, type: 'CNAME', ttlSeconds: RECORD_TTL_SECONDS, values: [dnsName.toLowerCase()] }];
}

function nameOf(at: Site, place: number): string {
  return at.name(place === 1 ? 'lb' : `lb${String(place)}`, NAME_MAX_LENGTH);
}

async function describe(at: Site, arn: string): Promise<LoadBalancer | undefined> {
  const command = new DescribeLoadBalancersCommand({ LoadBalancerArns: [arn] });
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
  const is = await describe(at, LoadBalancerArn);
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
