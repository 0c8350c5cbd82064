import type { Service } from '@aws-sdk/client-ecs';
import {
  NativeKey,
  type Environment,
  type Identity,
  type Part,
  type Phase,
  type RecordSet,
} from '@clusternator/core/provider';
import { balancerName, otherBalancerOf } from '../alb/balancers.ts';
import { schemeOf } from '../alb/listener.ts';
import type { AwsFoundation, LoadBalancerOutputs } from '../foundation/outputs.ts';
import { fromEcsTags, HOST_TAG, SERVICE_TAG, SERVICES_TAG } from './ecs-tags.ts';
import { environmentHandle } from './handle.ts';
import { stateOf, type ServiceState } from './service-state.ts';

/** An environment that is made anew may be behind another load balancer. */
const RECORD_SECONDS = 60;

/** What `environment.as(awsEnvironment)` gives. */
export interface AwsEnvironment {
  /** As ECS tells of them. */
  readonly services: readonly Service[];
}
export const awsEnvironment = new NativeKey<AwsEnvironment>();

/** Of an environment of which at least one service is there. @param waiting - By service: what it waits for. */
export function showEnvironment(
  identity: Identity,
  key: string,
  services: readonly Service[],
  { foundation, waiting = {} }: Surroundings,
): Environment {
  const tags = services.map((one) => fromEcsTags(one.tags));
  const about = {
    key,
    host: tags.map((one) => one[HOST_TAG]).find((one) => one !== undefined),
    count: countOf(services),
  };
  const environment = showStates(identity, about, services.map(stateOf), { foundation, waiting });
  return awsEnvironment.attach(environment, { services });
}

interface Surroundings {
  readonly foundation: AwsFoundation;
  readonly waiting?: Readonly<Record<string, string>>;
}

/** @param about - `count`: how many services there are once all are made. */
export function showStates(
  { id, fingerprint, tags }: Identity,
  { key, host, count }: { readonly key: string; readonly host: string | undefined; readonly count: number },
  states: readonly ServiceState[],
  { foundation, waiting = {} }: Surroundings,
): Environment {
  const parts: Record<string, Part> = {
    ...Object.fromEntries(
      Object.entries(waiting).map(([service, message]): [string, Part] => [service, { phase: 'creating', message }]),
    ),
    ...Object.fromEntries(states.map((state): [string, Part] => [state.service, partOf(state)])),
  };
  const phase = phaseOfAll(
    states.map((state) => state.phase),
    states.length < count,
  );
  const told = Object.entries(parts).flatMap(([name, part]) =>
    part.message === undefined ? [] : [`${name}: ${part.message}`],
  );
  const hasRoute = states.some(({ isPublic }) => isPublic);
  const other = otherBalancerOf(
    foundation,
    states.flatMap(({ rule }) => rule ?? []),
  );
  return {
    id,
    fingerprint,
    tags,
    phase,
    handle: environmentHandle(key, states, other && balancerName(other)),
    parts,
    ...(other && host !== undefined && { records: [recordTo(other, host)] }),
    ...(host !== undefined && hasRoute && schemeOf(foundation) === 'http' && { url: `http://${host}` }),
    ...(phase !== 'active' && told.length > 0 && { message: told.join('\n') }),
  };
}

/** All other names below the domain lead to the first by one record. */
function recordTo({ dnsName }: LoadBalancerOutputs, name: string): RecordSet {
  return { name, type: 'CNAME', ttlSeconds: RECORD_SECONDS, values: [dnsName.toLowerCase()] };
}

function partOf({ phase, message, image }: ServiceState): Part {
  return { phase, ...(image !== undefined && { digest: image }), ...(message !== undefined && { message }) };
}

function phaseOfAll(phases: readonly Phase[], someAreMissing: boolean): Phase {
  if (phases.includes('destroying')) return 'destroying';
  if (phases.includes('failed')) return 'failed';
  return someAreMissing || phases.includes('creating') ? 'creating' : 'active';
}

/** How many services there are once all are made. */
function countOf(services: readonly Service[]): number {
  return Math.max(...services.map(({ tags }) => Number(fromEcsTags(tags)[SERVICES_TAG] ?? 0)));
}

/** Whether all that was ever made for an environment is told by its services. */
export function isWhole(services: readonly Service[]): boolean {
  return services.length > 0 && services.length === countOf(services);
}

export function nameOfService({ tags, serviceName = '' }: Service): string {
  return fromEcsTags(tags)[SERVICE_TAG] ?? serviceName;
}
