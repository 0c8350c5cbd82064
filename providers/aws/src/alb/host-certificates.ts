import {
  DeleteCertificateCommand,
  DescribeCertificateCommand,
  ListTagsForCertificateCommand,
  paginateListCertificates,
  RequestCertificateCommand,
  type ACMClient,
} from '@aws-sdk/client-acm';
import {
  AddListenerCertificatesCommand,
  paginateDescribeListenerCertificates,
  RemoveListenerCertificatesCommand,
  type ElasticLoadBalancingV2Client,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { ProviderError, type Call, type Host, type RecordSet, type SlotSpec } from '@clusternator/core/provider';
import { allSettled } from '../all-settled.ts';
import { balancersOf } from './balancers.ts';
import { certificateToken, tellCertificate, type ToldCertificate } from '../certificates.ts';
import type { AwsFoundation } from '../foundation/outputs.ts';
import { paced } from '../paced.ts';
import { isNamed, unlessAbsent } from '../storage/aws-error.ts';
import { fromAwsTags, toAwsTags } from '../storage/aws-tags.ts';

const ABSENT = ['ResourceNotFound'];

/** One of ours. `isServed`: the listener answers with it. */
interface HostCertificate extends ToldCertificate {
  readonly host: string;
  readonly isServed: boolean;
  /** The listener that answers with it. */
  readonly listener?: string;
}
/** What there is of the certificates of a slot. */
export interface SlotCertificates {
  readonly needed: readonly string[];
  readonly found: readonly HostCertificate[];
}

/** Host names that the foundation's certificate is good for: its domain, and names right below it. */
function isCovered(host: string, domain: string): boolean {
  return host === domain || (host.endsWith(`.${domain}`) && !host.slice(0, -domain.length - 1).includes('.'));
}

/**
 * A certificate for each other host name of a slot, of its own, beside the foundation's at the HTTPS listener. It has the slot's tags, and goes
 * with the slot or with the name.
 */
export class HostCertificates {
  constructor(
    private readonly elb: ElasticLoadBalancingV2Client,
    private readonly acm: () => Promise<ACMClient>,
    private readonly host: Host,
    private readonly foundation: AwsFoundation,
  ) {}

  /** None where there is no HTTPS. */
  neededFor({ hosts, standbyHosts }: Pick<SlotSpec, 'hosts' | 'standbyHosts'>): readonly string[] {
    const { domain, loadBalancer } = this.foundation;
    if (loadBalancer.https === undefined || domain === undefined) return [];
    return [...new Set([...hosts, ...standbyHosts])].filter((host) => !isCovered(host, domain));
  }

  /** All that a slot has, whatever it needs. */
  async look(slot: string, needed: readonly string[], call: Call): Promise<SlotCertificates> {
    const [arns, served] = await Promise.all([this.arnsOf(slot, call), this.served(call)]);
    const found = (await Promise.all(arns.map((arn) => this.read(arn, served, call)))).flatMap((one) => one ?? []);
    return { needed, found: found.sort(inUseFirst) };
  }

  /**
   * Asks for those that are missing, and has the listener serve those that AWS has made.
   * @throws ProviderError `unavailable`: AWS gave one up, which is removed, so that the next call asks anew; `quota`.
   */
  async make(
    spec: SlotSpec,
    { needed, found }: SlotCertificates,
    listener: string,
    call: Call,
  ): Promise<SlotCertificates> {
    const failed = found.find(({ host, phase }) => phase === 'failed' && needed.includes(host));
    if (failed) {
      await this.remove([failed], call);
      throw new ProviderError('unavailable', failed.message ?? `the certificate for ${failed.host} failed`, {
        retry: 'never',
        effect: 'applied',
        hint: 'see that its record and the CAA records of its domain let Amazon issue it, then try again',
      });
    }
    const missing = needed.filter((host) => !found.some((one) => one.host === host));
    const requested = await allSettled(missing.map((host) => this.request(spec, host, call)));
    const all = [...found, ...requested];
    const idle = all.filter(({ host, phase, isServed }) => phase === 'active' && !isServed && needed.includes(host));
    if (idle.length === 0) return { needed, found: all };
    await this.elb.send(
      new AddListenerCertificatesCommand({ ListenerArn: listener, Certificates: certificatesOf(idle) }),
      { abortSignal: call.signal },
    );
    return { needed, found: all.map((one) => (idle.includes(one) ? { ...one, isServed: true, listener } : one)) };
  }

  /** @returns Those that the load balancer has not let go of yet. */
  async remove(certificates: readonly HostCertificate[], call: Call): Promise<readonly HostCertificate[]> {
    for (const [ListenerArn, served] of Map.groupBy(certificates, ({ listener }) => listener)) {
      if (ListenerArn === undefined) continue;
      const Certificates = certificatesOf(served);
      await this.elb.send(new RemoveListenerCertificatesCommand({ ListenerArn, Certificates }), {
        abortSignal: call.signal,
      });
    }
    const held: HostCertificate[] = [];
    for (const one of certificates) if (!(await this.delete(one, call))) held.push({ ...one, isServed: false });
    return held;
  }

  private async arnsOf(slot: string, call: Call): Promise<readonly string[]> {
    const { domain = '' } = this.foundation;
    const acm = await this.acm();
    const arns: string[] = [];
    await this.host.pace('acm', call);
    for await (const page of paginateListCertificates({ client: acm }, {}, { abortSignal: call.signal })) {
      const others = (page.CertificateSummaryList ?? []).filter(({ DomainName }) => DomainName !== `*.${domain}`);
      arns.push(...others.flatMap(({ CertificateArn }) => CertificateArn ?? []));
    }
    const ours = await Promise.all(
      arns.map(async (CertificateArn) => {
        const asked = paced(this.host, 'acm', call, (options) =>
          acm.send(new ListTagsForCertificateCommand({ CertificateArn }), options),
        );
        const identity = this.host.identify(fromAwsTags((await unlessAbsent(asked, ABSENT))?.Tags));
        return identity?.type === 'slot' && identity.id === slot ? [CertificateArn] : [];
      }),
    );
    return ours.flat();
  }

  /** By certificate: the listener that answers with it. Of all load balancers, side by side. */
  private async served(call: Call): Promise<ReadonlyMap<string, string>> {
    const listeners = balancersOf(this.foundation).flatMap(({ https }) => https ?? []);
    const served = await Promise.all(
      listeners.map(async (ListenerArn) => {
        const arns: string[] = [];
        await this.host.pace('elbRead', call);
        const input = { ListenerArn };
        const pages = paginateDescribeListenerCertificates({ client: this.elb }, input, { abortSignal: call.signal });
        for await (const { Certificates = [] } of pages)
          arns.push(...Certificates.flatMap(({ CertificateArn }) => CertificateArn ?? []));
        return arns.map((arn) => [arn, ListenerArn] as const);
      }),
    );
    return new Map(served.flat());
  }

  private async read(
    arn: string,
    served: ReadonlyMap<string, string>,
    call: Call,
  ): Promise<HostCertificate | undefined> {
    const acm = await this.acm();
    const asked = paced(this.host, 'acm', call, (options) =>
      acm.send(new DescribeCertificateCommand({ CertificateArn: arn }), options),
    );
    const found = (await unlessAbsent(asked, ABSENT))?.Certificate;
    if (!found) return undefined;
    const listener = served.get(arn);
    const its = listener === undefined ? { isServed: false } : { isServed: true, listener };
    return { host: found.DomainName ?? '', ...its, ...tellCertificate(found) };
  }

  private async request({ tags }: SlotSpec, host: string, call: Call): Promise<HostCertificate> {
    const acm = await this.acm();
    const command = new RequestCertificateCommand({
      DomainName: host,
      ValidationMethod: 'DNS',
      IdempotencyToken: certificateToken(call.token(`certificate ${host}`)),
      Tags: toAwsTags(tags),
    });
    const { CertificateArn = '' } = await paced(this.host, 'acm', call, (options) => acm.send(command, options));
    const made = await this.read(CertificateArn, new Map(), call);
    return made ?? { arn: CertificateArn, host, isServed: false, phase: 'creating' };
  }

  /** @returns Whether it is gone. */
  private async delete({ arn }: HostCertificate, call: Call): Promise<boolean> {
    const acm = await this.acm();
    const command = new DeleteCertificateCommand({ CertificateArn: arn });
    try {
      await paced(this.host, 'acm', call, (options) => acm.send(command, options));
      return true;
    } catch (error) {
      if (isNamed(error, ABSENT)) return true;
      if (isNamed(error, ['ResourceInUse'])) return false;
      throw error;
    }
  }
}

/** Which of them the slot does not need any more. Of two for one name, that two processes asked for, all keep the same. */
export function surplusOf({ needed, found }: SlotCertificates): readonly HostCertificate[] {
  return found.filter((one) => !needed.includes(one.host) || found.find(({ host }) => host === one.host) !== one);
}

function inUseFirst(a: HostCertificate, b: HostCertificate): number {
  return Number(b.isServed) - Number(a.isServed) || (a.arn < b.arn ? -1 : 1);
}

/** Each name is served with a certificate, and there is none too many. */
export function areWhole({ needed, found }: SlotCertificates): boolean {
  return found.length === needed.length && needed.every((host) => isServedFor(host, found));
}

export function isServedFor(host: string, found: SlotCertificates['found']): boolean {
  return found.some((one) => one.host === host && one.isServed);
}

export function recordsOf({ needed, found }: SlotCertificates): readonly RecordSet[] {
  return found.flatMap(({ host, record }) => (record && needed.includes(host) ? [record] : []));
}

export function heldText(held: readonly { readonly host: string }[]): string {
  return `the load balancer still holds the certificate for ${held.map(({ host }) => host).join(', ')}`;
}

function certificatesOf(found: readonly HostCertificate[]): { CertificateArn: string }[] {
  return found.map(({ arn }) => ({ CertificateArn: arn }));
}
