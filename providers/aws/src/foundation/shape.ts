import type { FoundationConfig } from './config.ts';

export type Tier = 'public' | 'app' | 'db';

/** What a foundation is to be like, however it came to be known. */
export interface Shape {
  /** A network that somebody else made. The rest of what is said of one is then of no meaning. */
  readonly existing?: {
    readonly vpc: string;
    readonly subnets: Readonly<Partial<Record<Tier, readonly string[]>>>;
  };
  readonly cidr: string;
  readonly zones: number;
  readonly nat: 'none' | 'one' | 'zone';
  /** The first is there whatever is asked for. */
  readonly loadBalancers: number;
  readonly logDays: number;
  readonly domain?: string;
}

export function shapeOf({ network, logDays, loadBalancers = 1 }: FoundationConfig, domain: string | undefined): Shape {
  const its = { logDays, loadBalancers, ...(domain !== undefined && { domain }) };
  if (network.vpc === undefined) {
    const { cidr, zones, nat } = network;
    return { cidr, zones, nat, ...its };
  }
  const { vpc, subnets } = network;
  const { app, ...others } = subnets;
  return { existing: { vpc, subnets: { ...others, ...(app && { app }) } }, cidr: '', zones: 0, nat: 'none', ...its };
}

/** Where tasks run: in private subnets where these have a way out, or in public ones with addresses of their own. */
export function taskTier({ existing, nat }: Shape): 'public' | 'app' {
  if (existing) return existing.subnets.app ? 'app' : 'public';
  return nat === 'none' ? 'public' : 'app';
}

/** From 1. */
export function zonesOf({ zones }: Pick<Shape, 'zones'>): readonly number[] {
  return countTo(zones);
}

/** Its load balancers, from 1. */
export function placesOf({ loadBalancers }: Pick<Shape, 'loadBalancers'>): readonly number[] {
  return countTo(loadBalancers);
}

function countTo(last: number): readonly number[] {
  return Array.from({ length: last }, (_, index) => index + 1);
}

/** In the zones that have a way out of their own, or in the first for all. */
export function zonesWithNat(shape: Pick<Shape, 'zones' | 'nat'>): readonly number[] {
  return { none: [], one: [1], zone: zonesOf(shape) }[shape.nat];
}
