import type { CertificateSummary } from '@aws-sdk/client-acm';
import type { Listener } from '@aws-sdk/client-elastic-load-balancing-v2';
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import { DescribeAvailabilityZonesCommand } from '@aws-sdk/client-ec2';
import { ProviderError, type Call, type Host, type Identity, type Tags } from '@clusternator/core/provider';
import { fromAwsTags, toAwsTags, type AwsTag } from '../storage/aws-tags.ts';
import { ours } from '../storage/ownership.ts';
import type { Clients } from './clients.ts';
import { Ec2Things, OF_TAG, PART_TAG } from './ec2-things.ts';
import { once } from './once.ts';
import type { Found, Part } from './part.ts';
import { readCertificates } from './parts/certificate.ts';
import { readListeners } from './parts/listeners.ts';
import { readLoadBalancers, type OwnBalancer } from './parts/load-balancer.ts';
import { nameOfSubnet } from './parts/subnets.ts';
import type { foundationRateLimits } from './rate-limits.ts';
import { zonesOf, type Shape, type Tier } from './shape.ts';

/** Which foundation, as far as it is known. */
export interface Wanted {
  readonly shape: Shape;
  /** Undefined: any of this project and stage. */
  readonly id?: string;
  /** Core's. What is found tells them where they were not said. */
  readonly tags?: Tags;
  /** Where they were read already. */
  readonly certificates?: readonly CertificateSummary[];
  readonly begun?: ReadonlyMap<string, Found>;
  /** `sites`: of sites alone, which may stand beside one of containers. */
  readonly ground: GroundName;
  /** What does not change from call to call. */
  readonly memory?: Memory;
}
/** Of a driver. */
export interface Memory {
  account?: Account;
}
export type GroundName = 'base' | 'sites';
type Ask<T> = (clients: Clients, options: { readonly abortSignal: AbortSignal }) => Promise<T>;
interface Account {
  readonly id: string;
  readonly partition: string;
}

/** One look at what there is of a foundation, and at what is made meanwhile. What was read once is not read again. */
export class Site {
  readonly ec2: Ec2Things;
  readonly shape: Shape;
  #known = new Map<string, Promise<Found | undefined>>();
  #listeners = new Map<string, Promise<readonly Listener[]>>();
  #identity: Identity | undefined;
  readonly account: () => Promise<Account>;
  readonly zones: () => Promise<readonly string[]>;
  /** By name of the part. */
  readonly loadBalancers: () => Promise<ReadonlyMap<string, OwnBalancer>>;
  readonly certificates: () => Promise<readonly CertificateSummary[]>;

  constructor(
    readonly clients: Clients,
    readonly host: Host,
    readonly call: Call,
    private readonly wanted: Wanted,
    private readonly parts: ReadonlyMap<string, Part>,
  ) {
    this.shape = wanted.shape;
    this.ec2 = new Ec2Things(this);
    const { memory = {} } = wanted;
    this.account = once(async () => (memory.account ??= await this.readAccount()));
    this.zones = once(() => this.readZones());
    this.loadBalancers = once(() => readLoadBalancers(this));
    this.certificates = once(async () => wanted.certificates ?? readCertificates(this));
  }

  /** What there is of a part, or what was made of it. Undefined for one that no foundation has. */
  find(name: string): Promise<Found | undefined> {
    const known = this.#known.get(name) ?? Promise.resolve(this.parts.get(name)?.find(this));
    this.#known.set(name, known);
    return known;
  }

  /** Of the load balancer that is such a part. */
  listeners(balancer: string): Promise<readonly Listener[]> {
    const known = this.#listeners.get(balancer) ?? readListeners(this, balancer);
    this.#listeners.set(balancer, known);
    return known;
  }

  /** What was seen to be on its way when it was asked for before: AWS is asked for it by its id. */
  begun(name: string): Found | undefined {
    return this.wanted.begun?.get(name);
  }

  /** From now on, this is what there is. */
  keep(name: string, found: Found | undefined): void {
    this.#known.set(name, Promise.resolve(found));
  }

  /** @throws ProviderError `internal`: it was asked for before it was there. */
  async idOf(name: string): Promise<string> {
    const found = await this.find(name);
    if (found) return found.id;
    throw new ProviderError('internal', `the foundation has no ${name} yet`, { effect: 'none' });
  }

  async vpcId(): Promise<string> {
    return this.shape.existing?.vpc ?? this.idOf('vpc');
  }

  /** In the order of the zones. */
  async subnetIds(tier: Tier): Promise<readonly string[]> {
    if (this.shape.existing) return this.shape.existing.subnets[tier] ?? [];
    return Promise.all(zonesOf(this.shape).map((zone) => this.idOf(nameOfSubnet(tier, zone))));
  }

  /** The same, where some are not there yet. */
  async subnetIdsSoFar(tier: Tier): Promise<readonly (string | undefined)[]> {
    if (this.shape.existing) return this.shape.existing.subnets[tier] ?? [];
    const found = await Promise.all(zonesOf(this.shape).map((zone) => this.find(nameOfSubnet(tier, zone))));
    return found.map((one) => one?.id);
  }

  /** Of [a-z0-9-], the same for this project and stage alone. `kind` is short, so that what policies name it by is whole. */
  name(kind: string, maxLength = 63): string {
    return this.host.name(['clusternator', kind], { maxLength });
  }

  /** For what an account has one of in all its regions. */
  async nameInRegion(kind: string): Promise<string> {
    return this.host.name(['clusternator', await this.region(), kind], { maxLength: 63 });
  }

  /** What to put on a part as it is made. */
  tags(part: string): { Key: string; Value: string }[] {
    const more = { [OF_TAG]: this.of, [PART_TAG]: part };
    return toAwsTags({ Name: `${this.host.project} ${this.host.stage}: ${part}`, ...this.coreTags(), ...more });
  }

  /** Which of a stage's foundations a part is of. */
  get of(): string {
    return this.name(this.wanted.ground);
  }

  get isOfSites(): boolean {
    return this.wanted.ground === 'sites';
  }

  coreTags(): Tags {
    return this.wanted.tags ?? this.#identity?.tags ?? {};
  }

  /** Of what the foundation is to be made from. */
  get fingerprint(): string {
    return this.host.identify(this.coreTags())?.fingerprint ?? '';
  }

  /** Whose what was found is. @throws ProviderError `owned-by-other`. */
  own(what: string, tags: readonly AwsTag[] | undefined): Identity {
    const id = this.wanted.id ?? this.host.identify(fromAwsTags(tags))?.id ?? '';
    const identity = ours(this.host, { type: 'foundation', id, what, tags });
    this.#identity ??= identity;
    return identity;
  }

  /** Of all parts, the load balancer says what the foundation was made from. */
  lead(identity: Identity | undefined): void {
    this.#identity = identity;
  }

  /** The same where whatever is not this foundation's is passed over. */
  isOurs(tags: readonly AwsTag[] | undefined): boolean {
    const identity = this.host.identify(fromAwsTags(tags));
    const isIt =
      identity?.type === 'foundation' &&
      identity.id === (this.wanted.id ?? identity.id) &&
      fromAwsTags(tags)[OF_TAG] === this.of;
    if (isIt) this.#identity ??= identity;
    return isIt;
  }

  /** Whose the parts are that were found. Undefined: there was none. */
  get identity(): Identity | undefined {
    return this.#identity;
  }

  /** Asks AWS. An abort ends the request. */
  send<T>(ask: Ask<T>): Promise<T> {
    return ask(this.clients, { abortSignal: this.call.signal });
  }

  /** The same within a limit, whose wait an abort ends too. */
  async ask<T>(limit: keyof typeof foundationRateLimits, ask: Ask<T>): Promise<T> {
    await this.host.pace(limit, this.call);
    return this.send(ask);
  }

  /** @throws ProviderError `invalid`: neither the config nor the profile says where. */
  async region(): Promise<string> {
    try {
      return await this.clients.ec2.config.region();
    } catch (cause) {
      throw new ProviderError('invalid', 'nobody says in which region', {
        path: 'provider.region',
        hint: 'write provider: { name: aws, region: <region> }, or set AWS_REGION',
        cause,
      });
    }
  }

  private async readAccount(): Promise<Account> {
    const { Account = '', Arn = '' } = await this.send(({ sts }, options) =>
      sts.send(new GetCallerIdentityCommand(), options),
    );
    return { id: Account, partition: Arn.split(':')[1] ?? 'aws' };
  }

  /** By name. Local zones and Wavelength zones have neither NAT gateways nor RDS. */
  private async readZones(): Promise<readonly string[]> {
    const Filters = [
      { Name: 'state', Values: ['available'] },
      { Name: 'zone-type', Values: ['availability-zone'] },
    ];
    const { AvailabilityZones = [] } = await this.ask('ec2', ({ ec2 }, options) =>
      ec2.send(new DescribeAvailabilityZonesCommand({ Filters }), options),
    );
    return AvailabilityZones.flatMap(({ ZoneName }) => ZoneName ?? []).sort();
  }
}
