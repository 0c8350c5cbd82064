import {
  ChangeResourceRecordSetsCommand,
  GetChangeCommand,
  ListResourceRecordSetsCommand,
  type Change,
  type ListResourceRecordSetsRequest,
  type ResourceRecordSet,
  type Route53Client,
} from '@aws-sdk/client-route-53';
import {
  ProviderError,
  type Call,
  type DnsProvider,
  type Host,
  type RecordChange,
  type RecordSet,
  type Zone,
} from '@clusternator/core/provider';
import { isLoadBalancer } from './load-balancer-zone.ts';
import { OwnHostedZones, publicZones } from './own-zones.ts';
import { readRecordSet, sameRecordSet, writeAlias, writeRecordSet } from './record-set.ts';
import { readName } from './text.ts';

/** Changes reach all servers within 60 seconds as a rule. @see https://docs.aws.amazon.com/Route53/latest/APIReference/API_GetChange.html */
const LOOK_SECONDS = 1;
const ADDRESSES = ['A', 'AAAA'] as const;

/** Hosted zones of Route 53 that everybody can ask. One change is one batch: all of it, or nothing. */
export class Route53Dns implements DnsProvider {
  readonly ownZones: OwnHostedZones;

  constructor(
    private readonly client: Route53Client,
    private readonly host: Host,
    /** Where a region's load balancers have their names. */
    private readonly zoneOfLoadBalancer: (name: string, call: Call) => Promise<string>,
  ) {
    this.ownZones = new OwnHostedZones(client, host);
  }

  zones(call: Call): AsyncGenerator<Zone> {
    return publicZones(this.client, this.host, call);
  }

  async *records(
    zone: Zone,
    { name, type }: { readonly name?: string; readonly type?: RecordSet['type'] },
    call: Call,
  ): AsyncGenerator<RecordSet> {
    for await (const raw of this.rawSets(zone, name, call)) {
      const set = readRecordSet(raw, zone);
      if (set && (type === undefined || set.type === type)) yield set;
    }
  }

  async change(zone: Zone, changes: readonly RecordChange[], call: Call): Promise<void> {
    if (changes.length === 0) return;
    // What is written is looked at first: nothing is sent of a change that can't be made.
    const made = await Promise.all(changes.map(({ next }) => this.written(zone, next, changes, call)));
    const removed = await Promise.all(changes.map((change) => this.removed(zone, change, call)));
    try {
      await this.send(zone, batchOf(removed, made), call);
    } catch (error) {
      if (!isInvalidBatch(error)) throw error;
      // Records of the same meaning may be written otherwise, such as with a dot at the end of a name.
      const here = await Promise.all(changes.map((change) => this.rawOf(zone, change, error, call)));
      await this.send(zone, batchOf(here, made), call).catch((again: unknown) => {
        throw isInvalidBatch(again) ? refused(zone, again) : again;
      });
    }
  }

  private async send(zone: Zone, batch: readonly Change[], call: Call): Promise<void> {
    const input = { HostedZoneId: zone.id, ChangeBatch: { Changes: [...batch] } };
    const command = new ChangeResourceRecordSetsCommand(input);
    const { ChangeInfo } = await this.paced(call, () => this.client.send(command, { abortSignal: call.signal }));
    for (let info = ChangeInfo; info?.Status !== 'INSYNC';) {
      call.progress({ message: `waiting for the servers of ${zone.name}` });
      await this.host.sleep(LOOK_SECONDS, call);
      const look = new GetChangeCommand({ Id: info?.Id });
      ({ ChangeInfo: info } = await this.paced(call, () => this.client.send(look, { abortSignal: call.signal })));
    }
  }

  /** As Route 53 has it: of an alias, one for each kind of address that its target had when it was made. */
  private async removed(zone: Zone, change: RecordChange, call: Call): Promise<readonly ResourceRecordSet[]> {
    const { expected } = change;
    if (expected === null) return [];
    if (expected.type === 'ALIAS' && !expected.opaque) return this.rawOf(zone, change, undefined, call);
    return [writeRecordSet(expected)];
  }

  /** As Route 53 takes it: an alias is one for each kind of address that its target has. */
  private async written(
    zone: Zone,
    set: RecordSet | null,
    changes: readonly RecordChange[],
    call: Call,
  ): Promise<readonly ResourceRecordSet[]> {
    if (set === null) return [];
    if (set.type !== 'ALIAS' || set.opaque) return [writeRecordSet(set)];
    const [target = ''] = set.values;
    if (isLoadBalancer(target)) return writeAlias(set, { id: await this.zoneOfLoadBalancer(target, call) }, ['A']);
    if (target !== zone.name && !target.endsWith(`.${zone.name}`)) {
      throw new ProviderError(
        'unsupported',
        `${set.name} can't be an alias of ${target}, which is not in ${zone.name}`,
        {
          hint: 'below the top of a zone a CNAME can lead anywhere',
        },
      );
    }
    return writeAlias(set, zone, await this.addressesOf(zone, target, changes, call));
  }

  /** Which kinds of addresses a name has, once the changes are made. An alias to a kind that there is none of is refused. */
  private async addressesOf(
    zone: Zone,
    name: string,
    changes: readonly RecordChange[],
    call: Call,
  ): Promise<readonly ('A' | 'AAAA')[]> {
    const kinds = new Set<string>();
    for await (const { Type = '' } of this.rawSets(zone, name, call)) kinds.add(Type);
    for (const { expected, next } of changes) {
      if (expected?.name === name) kinds.delete(expected.type);
      if (next?.name === name) kinds.add(next.type);
    }
    const found = ADDRESSES.filter((kind) => kinds.has(kind));
    if (found.length > 0) return found;
    throw new ProviderError('invalid', `${name} has no address that an alias could have`, { path: 'values' });
  }

  /** The expected set, as it is written there. @throws ProviderError `conflict`: it is another, or there is one where there should be none. */
  private async rawOf(
    zone: Zone,
    { expected, next }: RecordChange,
    cause: unknown,
    call: Call,
  ): Promise<readonly ResourceRecordSet[]> {
    const { name, type } = expected ?? next ?? { name: '', type: 'A' };
    const here: ResourceRecordSet[] = [];
    for await (const raw of this.rawSets(zone, name, call)) {
      const isIt = type === 'ALIAS' ? raw.AliasTarget !== undefined : raw.Type === type;
      if (isIt) here.push(raw);
    }
    const [found] = here.flatMap((raw) => readRecordSet(raw, zone) ?? []);
    const isAsExpected = expected === null ? here.length === 0 : found !== undefined && sameRecordSet(found, expected);
    if (isAsExpected) return here;
    throw new ProviderError('conflict', `${name} ${type} in ${zone.name} is not as it was expected`, {
      effect: 'none',
      cause,
    });
  }

  /** Of one name, or all. */
  private async *rawSets(zone: Zone, name: string | undefined, call: Call): AsyncGenerator<ResourceRecordSet> {
    let from: Partial<ListResourceRecordSetsRequest> = name === undefined ? {} : { StartRecordName: name };
    for (;;) {
      const command = new ListResourceRecordSetsCommand({ HostedZoneId: zone.id, ...from });
      const page = await this.paced(call, () => this.client.send(command, { abortSignal: call.signal }));
      for (const raw of page.ResourceRecordSets ?? []) {
        if (name === undefined) yield raw;
        else if (readName(raw.Name ?? '') === name) yield raw;
        else return; // they come by name
      }
      if (page.IsTruncated !== true || page.NextRecordName === undefined) return;
      from = {
        StartRecordName: page.NextRecordName,
        ...(page.NextRecordType && { StartRecordType: page.NextRecordType }),
        ...(page.NextRecordIdentifier !== undefined && { StartRecordIdentifier: page.NextRecordIdentifier }),
      };
    }
  }

  private async paced<T>(call: Call, request: () => Promise<T>): Promise<T> {
    await this.host.pace('route53', call);
    return request();
  }
}

/** DELETE of the exact set and CREATE of the next one is the compare-and-set: UPSERT would not look. */
function batchOf(
  removed: readonly (readonly ResourceRecordSet[])[],
  made: readonly (readonly ResourceRecordSet[])[],
): readonly Change[] {
  return [
    ...removed.flat().map((ResourceRecordSet): Change => ({ Action: 'DELETE', ResourceRecordSet })),
    ...made.flat().map((ResourceRecordSet): Change => ({ Action: 'CREATE', ResourceRecordSet })),
  ];
}

function isInvalidBatch(error: unknown): boolean {
  const name = typeof error === 'object' && error !== null && 'name' in error ? error.name : undefined;
  return name === 'InvalidChangeBatch' || name === 'InvalidInput';
}

/** Not for what was expected: Route 53 does not take what was to be written. */
function refused(zone: Zone, cause: unknown): ProviderError {
  const said = cause instanceof Error ? cause.message : '';
  return new ProviderError('invalid', `Route 53 refuses the change of ${zone.name}: ${said}`, { cause });
}
