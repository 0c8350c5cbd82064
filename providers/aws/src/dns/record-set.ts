import type { ResourceRecordSet, RRType } from '@aws-sdk/client-route-53';
import { ProviderError, type RecordSet, type Zone } from '@clusternator/core/provider';
import { isLoadBalancer } from './load-balancer-zone.ts';
import { readName, readText, writeText } from './text.ts';

type Type = RecordSet['type'];

const TYPES: ReadonlySet<string> = new Set<Type>([
  ...(['A', 'AAAA', 'CAA', 'CNAME', 'HTTPS', 'MX', 'NS', 'PTR', 'SOA', 'SRV', 'SVCB', 'TLSA', 'TXT'] as const),
]);
/** Types whose values end in a name. */
const NAMED: ReadonlySet<string> = new Set<Type>(['CNAME', 'MX', 'NS', 'PTR', 'SRV']);
/** @see https://docs.aws.amazon.com/Route53/latest/APIReference/API_ResourceRecordSet.html (TTL) */
const LONGEST_TTL = 2 ** 31 - 1;
/** An alias has no time to live of its own: it has its target's, which is not told with it. */
export const ALIAS_TTL_SECONDS = 60;

/** What `RecordSet` has no word for: it is shown as opaque. */
function hasMore(set: ResourceRecordSet): boolean {
  const { SetIdentifier, HealthCheckId, TrafficPolicyInstanceId, CidrRoutingConfig, MultiValueAnswer } = set;
  return [SetIdentifier, HealthCheckId, TrafficPolicyInstanceId, CidrRoutingConfig, MultiValueAnswer].some(
    (value) => value !== undefined && value !== false,
  );
}

/** Undefined: of a type that the contract has no word for, or the second half of an alias. */
export function readRecordSet(set: ResourceRecordSet, zone: Zone): RecordSet | undefined {
  const { Name = '', Type = '', TTL, ResourceRecords = [], AliasTarget } = set;
  const name = readName(Name);
  const opaque = hasMore(set) && { opaque: true as const };
  if (AliasTarget) {
    if (Type === 'AAAA' && !opaque) return undefined;
    const target = readName(AliasTarget.DNSName ?? '').toLowerCase();
    const isElsewhere = AliasTarget.HostedZoneId !== zone.id && !isLoadBalancer(target);
    const isForeign = isElsewhere || AliasTarget.EvaluateTargetHealth === true;
    const values = [target];
    const more = isForeign && { opaque: true as const };
    return { name, type: 'ALIAS', ttlSeconds: ALIAS_TTL_SECONDS, values, ...opaque, ...more };
  }
  if (!isType(Type)) return undefined;
  const values = ResourceRecords.map(({ Value = '' }) => readValue(Type, Value));
  return { name, type: Type, ttlSeconds: TTL ?? 0, values, ...opaque };
}

function isType(type: string): type is Type {
  return TYPES.has(type);
}

function readValue(type: Type, value: string): string {
  if (type === 'TXT') return readText(value);
  return NAMED.has(type) ? value.replace(/\.$/, '') : value;
}

/** As Route 53 takes it. @throws ProviderError `invalid` (the TTL), `unsupported` (an opaque set). */
export function writeRecordSet(set: RecordSet): ResourceRecordSet {
  const { name, type, ttlSeconds, values, opaque } = set;
  if (opaque) throw new ProviderError('unsupported', `${name} ${type} has settings of Route 53's own: change it there`);
  if (type === 'ALIAS') throw new Error('an alias is written with its target');
  if (!Number.isInteger(ttlSeconds) || ttlSeconds < 0 || ttlSeconds > LONGEST_TTL) {
    throw new ProviderError('invalid', `${name}: a TTL is from 0 to ${String(LONGEST_TTL)} seconds`, {
      path: 'ttlSeconds',
    });
  }
  return {
    Name: name,
    Type: type satisfies RRType,
    TTL: ttlSeconds,
    ResourceRecords: values.map((value) => ({ Value: type === 'TXT' ? writeText(value) : value })),
  };
}

/** An alias to what the zone has under that name, one for each kind of address. */
export function writeAlias(
  set: RecordSet,
  zone: Pick<Zone, 'id'>,
  kinds: readonly ('A' | 'AAAA')[],
): readonly ResourceRecordSet[] {
  return kinds.map((kind) => ({
    Name: set.name,
    Type: kind,
    AliasTarget: { HostedZoneId: zone.id, DNSName: set.values[0] ?? '', EvaluateTargetHealth: false },
  }));
}

/** Whether two say the same. An alias has the TTL of its target. */
export function sameRecordSet(one: RecordSet, other: RecordSet): boolean {
  const told = ({ name, type, ttlSeconds, values, opaque }: RecordSet): string =>
    JSON.stringify([name.toLowerCase(), type, type === 'ALIAS' ? 0 : ttlSeconds, [...values].sort(), opaque === true]);
  return told(one) === told(other);
}
