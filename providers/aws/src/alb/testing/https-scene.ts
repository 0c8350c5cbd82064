import { ListCertificatesCommand, RequestCertificateCommand } from '@aws-sdk/client-acm';
import {
  AddListenerCertificatesCommand,
  CreateListenerCommand,
  DescribeListenerCertificatesCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { systemClock, type Slot, type SlotSpec } from '@clusternator/core';
import { pollUntilSettled } from '@clusternator/core/kit';
import { startEmulator } from '@clusternator/emulators/emulator';
import { withSecondBalancer } from '../../ecs/testing/raw-foundation.ts';
import type { LoadBalancerOutputs } from '../../foundation/outputs.ts';
import { sceneAt, type EcsScene, type Owner, type Tenant } from '../../ecs/testing/ecs-scene.ts';

export const DOMAIN = 'example.com';

/** An account with a load balancer that serves HTTPS for all names right below the domain. */
export interface HttpsScene extends Pick<EcsScene, 'wire' | 'end'> {
  tenant(owner?: Partial<Owner>): Promise<Tenant>;
  /** One for whom the second load balancer is the first. */
  turned(): Promise<Tenant>;
  /** By domain, beside that of the foundation. */
  certificates(): Promise<readonly string[]>;
  /** How many of them the listener has, of the first load balancer or the second. */
  served(of?: 'first' | 'second'): Promise<number>;
  /** Gives the listener so many more. */
  fill(count: number): Promise<void>;
}

/** @param seconds - After which a certificate is issued. @param balancers - That the foundation tells of. */
export async function openHttpsScene(seconds: number, balancers: 1 | 2 = 1): Promise<HttpsScene> {
  const emulator = await startEmulator('moto', 'all', { MOTO_ACM_VALIDATION_WAIT: String(seconds) });
  const { raw, foundation, wire, ...scene } = await sceneAt(emulator);
  const { CertificateArn } = await raw.acm.send(new RequestCertificateCommand({ DomainName: `*.${DOMAIN}` }));
  const secured = async (balancer: LoadBalancerOutputs) => {
    const { Listeners } = await raw.elb.send(
      new CreateListenerCommand({
        ...{ LoadBalancerArn: balancer.arn, Protocol: 'HTTPS', Port: 443 },
        Certificates: [{ CertificateArn }],
        DefaultActions: [{ Type: 'fixed-response', FixedResponseConfig: { StatusCode: '404' } }],
      }),
    );
    return { ...balancer, https: Listeners?.[0]?.ListenerArn ?? '' };
  };
  const first = await secured(foundation.loadBalancer);
  const second = await secured((await withSecondBalancer(raw, foundation)).otherLoadBalancers[0]);
  const secure = { ...foundation, domain: DOMAIN };
  const { https } = first;
  return {
    wire,
    tenant: (owner = {}) =>
      scene.tenant(owner, { ...secure, loadBalancer: first, ...(balancers === 2 && { otherLoadBalancers: [second] }) }),
    turned: () => scene.tenant({}, { ...secure, loadBalancer: second, otherLoadBalancers: [first] }),
    async certificates() {
      const { CertificateSummaryList = [] } = await raw.acm.send(new ListCertificatesCommand({}));
      const domains = CertificateSummaryList.flatMap(({ DomainName }) => DomainName ?? []);
      return domains.filter((one) => one !== `*.${DOMAIN}`).sort();
    },
    async served(of = 'first') {
      const { https: ListenerArn } = of === 'first' ? first : second;
      const { Certificates = [] } = await raw.elb.send(new DescribeListenerCertificatesCommand({ ListenerArn }));
      return Certificates.length - 1;
    },
    async fill(count) {
      const Certificates = Array.from({ length: count }, () => ({ CertificateArn }));
      await raw.elb.send(new AddListenerCertificatesCommand({ ListenerArn: https, Certificates }));
    },
    end: () => scene.end(),
  };
}

/** As core does. */
export function nameSlot(by: Tenant, spec: SlotSpec): Promise<Slot> {
  const doing = `name ${spec.id}`;
  return by.call(doing, (call) =>
    pollUntilSettled(() => by.slots.ensure(spec, call), { clock: systemClock, call, doing }),
  );
}
