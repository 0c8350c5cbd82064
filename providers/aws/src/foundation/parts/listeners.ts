import {
  AddTagsCommand,
  CreateListenerCommand,
  DeleteListenerCommand,
  DescribeListenersCommand,
  ModifyListenerCommand,
  type Action,
  type Listener,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { unlessAbsent } from '../../storage/aws-error.ts';
import { partName, type Part } from '../part.ts';
import type { Shape } from '../shape.ts';
import type { Site } from '../site.ts';

/** TLS 1.3, and 1.2 with forward secrecy. @see https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html */
const POLICY = 'ELBSecurityPolicy-TLS13-1-2-2021-06';
/** For a host that no environment and no slot has. */
const NOTHING: Action = {
  Type: 'fixed-response',
  FixedResponseConfig: { StatusCode: '404', ContentType: 'text/plain', MessageBody: 'nothing is under this name\n' },
};
const TO_HTTPS: Action = {
  Type: 'redirect',
  RedirectConfig: { Protocol: 'HTTPS', Port: '443', StatusCode: 'HTTP_301' },
};

/** HTTP and, with a domain, HTTPS, where HTTP then leads to. @param place - Of their load balancer, from 1. */
export function listeners({ domain }: Pick<Shape, 'domain'>, place: number): readonly Part[] {
  return domain === undefined ? [http(NOTHING, place)] : [http(TO_HTTPS, place), https(place)];
}

/** Written once all else is as asked for. */
export const fingerprint: Part = {
  name: 'fingerprint',
  after: ['load balancer'],
  within: 'load balancer',
  async find(at) {
    const found = await at.find('load balancer');
    if (!found) return undefined;
    // One that was just made has it already.
    const is = found.details?.fingerprint;
    return { id: found.id, phase: 'active', differs: is !== undefined && is !== at.fingerprint };
  },
  async make(at) {
    const id = await at.idOf('load balancer');
    const command = new AddTagsCommand({ ResourceArns: [id], Tags: at.tags('load balancer') });
    await at.ask('elbRead', ({ elb }, options) => elb.send(command, options));
    return { id, phase: 'active' };
  },
};

function http(action: Action, place: number): Part {
  const name = partName('http listener', place);
  const balancer = partName('load balancer', place);
  return {
    name,
    after: [balancer],
    onceBegun: [balancer],
    async find(at) {
      const found = await on(at, balancer, 80);
      return (
        found && {
          id: found.ListenerArn ?? '',
          phase: 'active',
          differs: found.DefaultActions?.[0]?.Type !== action.Type,
        }
      );
    },
    async make(at, found) {
      const request = { Protocol: 'HTTP', Port: 80, DefaultActions: [action] } as const;
      return { id: await write(at, found?.id, request, { name, balancer }), phase: 'active' };
    },
    remove: (at, { id }) => remove(at, id),
  };
}

function https(place: number): Part {
  const name = partName('https listener', place);
  const balancer = partName('load balancer', place);
  return {
    name,
    after: [balancer, 'certificate', 'former certificate'],
    onceBegun: [balancer],
    async find(at) {
      const [found, certificate] = await Promise.all([on(at, balancer, 443), at.find('certificate')]);
      if (!found) return undefined;
      const isIt = found.Certificates?.some(({ CertificateArn }) => CertificateArn === certificate?.id) ?? false;
      return { id: found.ListenerArn ?? '', phase: 'active', differs: !isIt };
    },
    async make(at, found) {
      const Certificates = [{ CertificateArn: await at.idOf('certificate') }];
      // What it answers by default may be somebody's choice, once it is there.
      const request = found
        ? { Certificates }
        : ({ Protocol: 'HTTPS', Port: 443, SslPolicy: POLICY, Certificates, DefaultActions: [NOTHING] } as const);
      return { id: await write(at, found?.id, request, { name, balancer }), phase: 'active' };
    },
    remove: (at, { id }) => remove(at, id),
  };
}

type Request = Partial<Pick<Listener, 'Protocol' | 'Port' | 'SslPolicy' | 'Certificates'>> & {
  readonly DefaultActions?: readonly Action[];
};

async function on(at: Site, balancer: string, port: number): Promise<Listener | undefined> {
  return (await at.listeners(balancer)).find(({ Port }) => Port === port);
}

/** @returns Its ARN. */
async function write(
  at: Site,
  ListenerArn: string | undefined,
  { DefaultActions, ...rest }: Request,
  { name, balancer }: { readonly name: string; readonly balancer: string },
): Promise<string> {
  const request = { ...rest, ...(DefaultActions && { DefaultActions: [...DefaultActions] }) };
  const made = await at.ask('elbRead', async ({ elb }, options) => {
    if (ListenerArn !== undefined) return elb.send(new ModifyListenerCommand({ ListenerArn, ...request }), options);
    const LoadBalancerArn = await at.idOf(balancer);
    const all = { LoadBalancerArn, DefaultActions: [], ...request, Tags: at.tags(name) };
    return elb.send(new CreateListenerCommand(all), options);
  });
  return made.Listeners?.[0]?.ListenerArn ?? ListenerArn ?? '';
}

async function remove(at: Site, ListenerArn: string): Promise<void> {
  await at.ask('elbRead', ({ elb }, options) => elb.send(new DeleteListenerCommand({ ListenerArn }), options));
}

/** Of one of our load balancers. */
export async function readListeners(at: Site, balancer: string): Promise<readonly Listener[]> {
  const found = await at.find(balancer);
  if (!found) return [];
  const command = new DescribeListenersCommand({ LoadBalancerArn: found.id });
  const asked = at.ask('elbRead', ({ elb }, options) => elb.send(command, options));
  return (await unlessAbsent(asked, ['LoadBalancerNotFound']))?.Listeners ?? [];
}
