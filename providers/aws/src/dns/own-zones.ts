import {
  ChangeTagsForResourceCommand,
  CreateHostedZoneCommand,
  DeleteHostedZoneCommand,
  GetHostedZoneCommand,
  ListHostedZonesCommand,
  ListResourceRecordSetsCommand,
  ListTagsForResourceCommand,
  type HostedZone,
  type Route53Client,
} from '@aws-sdk/client-route-53';
import {
  ProviderError,
  type Call,
  type Host,
  type OwnZone,
  type Tags,
  type Zone,
  type ZoneMaker,
} from '@clusternator/core/provider';
import { isNamed, unlessAbsent } from '../storage/aws-error.ts';
import { fromAwsTags, toAwsTags } from '../storage/aws-tags.ts';
import { readName } from './text.ts';

const NAMED = 10;
/** Some kinds of records are the zone's own. */
const OWN_TYPES: ReadonlySet<string | undefined> = new Set(['NS', 'SOA']);

/**
 * Public hosted zones that are made for a project and stage. Nothing is known of a zone but its reference when it is made; tags are a second request.
 * So the reference says whose it is, and with the call's token in it the same call makes no second one.
 * @see https://docs.aws.amazon.com/Route53/latest/APIReference/API_CreateHostedZone.html (two zones may have one name)
 */
export class OwnHostedZones implements ZoneMaker {
  constructor(
    private readonly client: Route53Client,
    private readonly host: Host,
  ) {}

  async ensure(name: string, tags: Tags, call: Call): Promise<OwnZone> {
    const { zone, nameServers } = (await this.find(name, call)) ?? (await this.create(name, call));
    const command = new ChangeTagsForResourceCommand({
      ...{ ResourceType: 'hostedzone', ResourceId: zone.id },
      AddTags: toAwsTags({ Name: `${this.host.project} ${this.host.stage}: zone`, ...tags }),
    });
    await this.ask(call, (options) => this.client.send(command, options));
    return { ...zone, nameServers };
  }

  async remove({ id, name }: Zone, call: Call): Promise<void> {
    const look = new ListTagsForResourceCommand({ ResourceType: 'hostedzone', ResourceId: id });
    const asked = this.ask(call, (options) => this.client.send(look, options));
    const found = await unlessAbsent(asked, ['NoSuchHostedZone']);
    if (!found) return;
    const tags = fromAwsTags(found.ResourceTagSet?.Tags);
    // One whose making was cut short has none yet.
    if (tags.clusternator_project !== undefined && !this.host.identify(tags)) {
      throw new ProviderError(
        'owned-by-other',
        `the tags of the zone ${name} say that it is another project's or stage's`,
      );
    }
    try {
      const command = new DeleteHostedZoneCommand({ Id: id });
      await unlessAbsent(
        this.ask(call, (options) => this.client.send(command, options)),
        ['NoSuchHostedZone'],
      );
    } catch (cause) {
      if (!isNamed(cause, ['HostedZoneNotEmpty'])) throw cause;
      const held = await this.heldBy({ id, name }, call);
      throw new ProviderError('conflict', `the zone ${name} holds ${held}`, { effect: 'none', cause });
    }
  }

  /** The one that was made before. */
  private async find(name: string, call: Call): Promise<Made | undefined> {
    const there: Zone[] = [];
    for await (const zone of publicZones(this.client, this.host, call)) if (zone.name === name) there.push(zone);
    const zone = there.find(({ isOwn }) => isOwn);
    if (zone) {
      const command = new GetHostedZoneCommand({ Id: zone.id });
      const { DelegationSet } = await this.ask(call, (options) => this.client.send(command, options));
      return { zone, nameServers: DelegationSet?.NameServers ?? [] };
    }
    if (there.length === 0) return undefined;
    throw new ProviderError('owned-by-other', `there is a hosted zone ${name}, which was not made for this stage`);
  }

  private async create(name: string, call: Call): Promise<Made> {
    const { project, stage } = this.host;
    const command = new CreateHostedZoneCommand({
      Name: name,
      CallerReference: `${referenceOf(this.host)}${call.token('zone')}`,
      HostedZoneConfig: { Comment: `made by Clusternator for ${project}, stage ${stage}` },
    });
    try {
      const made = await this.ask(call, (options) => this.client.send(command, options));
      const { HostedZone, DelegationSet } = made;
      return { zone: told(this.host, HostedZone ?? {}), nameServers: DelegationSet?.NameServers ?? [] };
    } catch (cause) {
      if (!isNamed(cause, ['HostedZoneAlreadyExists'])) throw cause;
      // It was made a moment ago, by this call before its answer was lost, and is not listed yet; or somebody removed it since.
      const found = await this.find(name, call);
      if (found) return found;
      throw new ProviderError('unavailable', `the hosted zone ${name} was made, and is not listed`, { cause });
    }
  }

  private async heldBy({ id, name }: Pick<Zone, 'id' | 'name'>, call: Call): Promise<string> {
    const command = new ListResourceRecordSetsCommand({ HostedZoneId: id });
    const { ResourceRecordSets = [] } = await this.ask(call, (options) => this.client.send(command, options));
    const held = ResourceRecordSets.flatMap(({ Name = '', Type }) =>
      OWN_TYPES.has(Type) && readName(Name) === name ? [] : [`${readName(Name)} ${Type ?? ''}`],
    );
    const more = held.length > NAMED ? [`${String(held.length - NAMED)} more`] : [];
    // A key of DNSSEC keeps a zone too, and is none of its records.
    return held.length === 0 ? 'something that is no record' : [...held.slice(0, NAMED), ...more].join(', ');
  }

  private async ask<T>(
    call: Call,
    request: (options: { readonly abortSignal: AbortSignal }) => Promise<T>,
  ): Promise<T> {
    await this.host.pace('route53', call);
    return request({ abortSignal: call.signal });
  }
}

interface Made {
  readonly zone: Zone;
  readonly nameServers: readonly string[];
}

/** Those of the account that everybody can ask. */
export async function* publicZones(client: Route53Client, host: Host, call: Call): AsyncGenerator<Zone> {
  for (let Marker: string | undefined; ;) {
    const command = new ListHostedZonesCommand({ ...(Marker !== undefined && { Marker }) });
    await host.pace('route53', call);
    const { HostedZones = [], IsTruncated, NextMarker } = await client.send(command, { abortSignal: call.signal });
    for (const zone of HostedZones) if (zone.Config?.PrivateZone !== true) yield told(host, zone);
    if (IsTruncated !== true || NextMarker === undefined) return;
    Marker = NextMarker;
  }
}

function told(host: Host, { Id = '', Name = '', CallerReference = '' }: Partial<HostedZone>): Zone {
  const isOwn = CallerReference.startsWith(referenceOf(host));
  return { id: Id.replace('/hostedzone/', ''), name: readName(Name), ...(isOwn && { isOwn }) };
}

/** What the references of all zones of a project and stage begin with. 128 characters are all that one has. */
function referenceOf(host: Host): string {
  return `${host.name(['clusternator', 'zone'], { maxLength: 63 })}/`;
}
