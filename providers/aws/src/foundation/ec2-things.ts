import {
  DescribeAddressesCommand,
  paginateDescribeInternetGateways,
  paginateDescribeNatGateways,
  paginateDescribeRouteTables,
  paginateDescribeSecurityGroups,
  paginateDescribeSubnets,
  paginateDescribeVpcEndpoints,
  paginateDescribeVpcs,
  type Filter,
  type ResourceType,
  type TagSpecification,
} from '@aws-sdk/client-ec2';
import { fromAwsTags, type AwsTag } from '../storage/aws-tags.ts';
import { once } from './once.ts';
import type { Site } from './site.ts';

/** Names of our own beside core's tags: by the first EC2 finds what is ours, by the second we know which part it is. */
export const OF_TAG = 'foundation_of';
export const PART_TAG = 'foundation_part';

interface Tagged {
  readonly Tags?: readonly AwsTag[] | undefined;
}
type Found<T> = ReadonlyMap<string, T>;

/** What is ours on EC2, where ids are AWS's choice and things are found by their tags: each kind by its part, asked for once. */
export class Ec2Things {
  constructor(private readonly site: Site) {}

  readonly vpcs = once(() =>
    this.pages(
      paginateDescribeVpcs,
      ({ Vpcs }) => Vpcs,
      (vpc) => vpc.VpcId,
    ),
  );
  readonly internetGateways = once(() =>
    this.pages(
      paginateDescribeInternetGateways,
      ({ InternetGateways }) => InternetGateways,
      (gateway) => gateway.InternetGatewayId,
    ),
  );
  readonly subnets = once(() =>
    this.pages(
      paginateDescribeSubnets,
      ({ Subnets }) => Subnets,
      (subnet) => subnet.SubnetId,
    ),
  );
  readonly routeTables = once(() =>
    this.pages(
      paginateDescribeRouteTables,
      ({ RouteTables }) => RouteTables,
      (table) => table.RouteTableId,
    ),
  );
  readonly securityGroups = once(() =>
    this.pages(
      paginateDescribeSecurityGroups,
      ({ SecurityGroups }) => SecurityGroups,
      (group) => group.GroupId,
    ),
  );
  /** What was removed is told of for an hour. */
  readonly natGateways = once(() =>
    this.pages(
      paginateDescribeNatGateways,
      ({ NatGateways }) => NatGateways?.filter(({ State }) => State !== 'deleted'),
      (gateway) => gateway.NatGatewayId,
    ),
  );
  readonly endpoints = once(() =>
    this.pages(
      paginateDescribeVpcEndpoints,
      ({ VpcEndpoints }) => VpcEndpoints?.filter(({ State }) => State?.toLowerCase() !== 'deleted'),
      (endpoint) => endpoint.VpcEndpointId,
    ),
  );
  readonly addresses = once(async () => {
    const command = new DescribeAddressesCommand({ Filters: this.filters() });
    const { Addresses } = await this.site.ask('ec2', ({ ec2 }, options) => ec2.send(command, options));
    return this.byPart(Addresses ?? [], ({ AllocationId }) => AllocationId);
  });

  /** To make something with its tags. */
  tagged(ResourceType: ResourceType, part: string): TagSpecification[] {
    return [{ ResourceType, Tags: this.site.tags(part) }];
  }

  private filters(): Filter[] {
    return [{ Name: `tag:${OF_TAG}`, Values: [this.site.name('base')] }];
  }

  private async pages<P, T extends Tagged>(
    paginate: (
      config: { client: Site['clients']['ec2'] },
      input: { Filters: Filter[]; Filter: Filter[] },
      options: { abortSignal: AbortSignal },
    ) => AsyncIterable<P>,
    of: (page: P) => readonly T[] | undefined,
    idOf: (thing: T) => string | undefined,
  ): Promise<Found<T>> {
    const filters = this.filters();
    const all: T[] = [];
    await this.site.ask('ec2', async ({ ec2 }, options) => {
      // NAT gateways alone call it `Filter`.
      for await (const page of paginate({ client: ec2 }, { Filters: filters, Filter: filters }, options))
        all.push(...(of(page) ?? []));
    });
    return this.byPart(all, idOf);
  }

  /** Of two that were made for one part, everybody takes the same. */
  private byPart<T extends Tagged>(things: readonly T[], idOf: (thing: T) => string | undefined): Found<T> {
    // The last of those with one key stays in a map: the lowest.
    const sorted = things
      .filter(({ Tags }) => this.site.isOurs(Tags))
      .sort((one, other) => ((idOf(one) ?? '') < (idOf(other) ?? '') ? 1 : -1));
    return new Map(sorted.map((thing) => [fromAwsTags(thing.Tags)[PART_TAG] ?? '', thing]));
  }
}
