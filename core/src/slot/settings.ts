import type { ProjectConfig, ServiceConfig } from '../config/schema.ts';
import type { SlotConfig } from '../config/slot.ts';
import { driverOf, type BoundProvider } from '../host/drivers.ts';
import type { Session } from '../host/session.ts';
import { environmentIdOf, formatEnvironmentId } from '../names/environment-id.ts';
import { fingerprint } from '../names/fingerprint.ts';
import { slotLabel, standbyLabel } from '../names/host-label.ts';
import { nearest } from '../names/nearest.ts';
import { tagsFor } from '../names/tags.ts';
import { ProviderError } from '../provider/error.ts';
import { SLOTS } from '../provider/tokens.ts';
import type { EnvironmentDocument } from '../state/documents.ts';
import { placeId } from '../storage/volume-ids.ts';
import type { SlotDocument } from './documents.ts';
import { Router } from './router.ts';
import type { SlotSpec } from './slot.ts';

const SETTINGS_DIGITS = 6;
/** Resolvers may keep an answer for longer than they were told to. */
const DNS_DRAIN_SECONDS = 3600;

/** A slot as the config of one commit describes it. */
export interface SlotSettings {
  readonly config: ProjectConfig;
  readonly slot: SlotConfig;
  readonly mechanism: 'router' | 'dns';
  /** Where the slot's address is under: left out where neither the provider nor the config says. */
  readonly domain?: string;
  /** The slot's own environment of this commit. Left out: the slot takes the environment as it runs. */
  readonly bound?: { readonly id: string; readonly settings: string };
}

/**
 * What a slot is, by the config of the commit that it is to serve.
 * @throws ProviderError `not-found`: that config has no such slot.
 */
export async function slotSettings(
  session: Session,
  name: string,
  candidate: Pick<EnvironmentDocument, 'id' | 'commit' | 'provider' | 'config' | 'rebuilt'>,
): Promise<SlotSettings> {
  const { config, rebuilt } = candidate;
  if (rebuilt?.lacks !== undefined) throw notKnown(candidate.id, rebuilt.lacks);
  if (!config) {
    throw new ProviderError('refused', `environment ${candidate.id} was made by an older version, without its config`, {
      hint: `clusternator env destroy ${candidate.id}, then create it again`,
    });
  }
  const slot = Object.hasOwn(config.slots, name) ? config.slots[name] : undefined;
  if (!slot) throw noSuchSlot(name, config, candidate);
  const bound = await session.bind(candidate.provider);
  const domain = bound.provider.domain ?? config.domain;
  const mechanism = mechanismOf(slot, bound);
  const own = ownSettings(slot, config, bound, await swappedIn(session, name, config));
  const print = own && fingerprint(own);
  return {
    config,
    slot,
    mechanism,
    ...(domain !== undefined && { domain }),
    ...(print !== undefined && {
      bound: {
        id: formatEnvironmentId(environmentIdOf(candidate.commit, { name, settings: print.slice(0, SETTINGS_DIGITS) })),
        settings: print,
      },
    }),
  };
}

/** How many standbys a slot keeps, and how long a former head drains. */
export function keepingOf({
  slot: { drain, standbys },
  mechanism,
}: Pick<SlotSettings, 'slot' | 'mechanism'>): NonNullable<SlotDocument['keeping']> {
  const dnsSeconds = mechanism === 'dns' ? DNS_DRAIN_SECONDS : 0;
  return { retain: standbys, drainSeconds: Math.max(drain.requestsSeconds, drain.webSocketsSeconds, dnsSeconds) };
}

/** The config with a slot's own variables and secrets laid over all services. */
export function withSlotSettings(config: ProjectConfig, { env, secrets }: SlotConfig): ProjectConfig {
  const services = Object.entries(config.services).map(([name, service]): [string, ServiceConfig] => {
    // What the slot says in one way replaces what the service says in the other.
    const own = Object.fromEntries(Object.entries(service.env).filter(([key]) => !Object.hasOwn(secrets, key)));
    const kept = Object.fromEntries(Object.entries(service.secrets).filter(([key]) => !Object.hasOwn(env, key)));
    return [name, { ...service, env: { ...own, ...env }, secrets: { ...kept, ...secrets } }];
  });
  return { ...config, services: Object.fromEntries(services) };
}

/** The slot's resource, as its router is asked for it. `members`: all environments that it routes to or is about to. */
export function slotSpec(
  session: Pick<Session, 'project' | 'stage'>,
  name: string,
  settings: Pick<SlotSettings, 'slot' | 'mechanism' | 'domain'>,
  members: readonly Pick<EnvironmentDocument, 'spec'>[],
): SlotSpec {
  const { slot } = settings;
  const domain = domainOf(settings);
  const positions = Array.from({ length: slot.standbys }, (_, at) => at + 1);
  // By DNS its own name would need a zone that is ours; the hosts of the config are enough.
  const needsOwn = settings.mechanism === 'router' || slot.hosts.length === 0;
  const own = needsOwn && domain !== undefined ? [`${slotLabel(session, name)}.${domain}`] : [];
  const content = {
    id: name,
    hosts: [...new Set([...own, ...slot.hosts])],
    standbyHosts:
      domain === undefined ? [] : positions.map((position) => `${standbyLabel(session, name, position)}.${domain}`),
    parts: publicPaths(members),
    tls: !isOnThisMachine(domain ?? slot.hosts[0] ?? ''),
    drain: slot.drain,
  };
  const print = fingerprint(content);
  return { ...content, fingerprint: print, tags: tagsFor(session, { type: 'slot', id: name, fingerprint: print }) };
}

/** The router of a slot's provider, or core's own over DNS. */
export async function routerOf(
  session: Session,
  { provider, mechanism, dns }: Pick<SlotDocument, 'provider' | 'mechanism' | 'dns'>,
): Promise<Router> {
  if (mechanism === 'dns') {
    const { dnsSlots } = await import('./dns-slots.ts');
    const { driver, comparesAndSets } = await dnsSlots(session, dns ?? provider);
    return new Router(session, driver, comparesAndSets);
  }
  const bound = await session.bind(provider);
  const driver = await driverOf(bound, SLOTS, 'slots');
  return new Router(session, driver, bound.capabilities['slots.compareAndSet']?.can === 'yes');
}

/** Under which standbys are named: by DNS beside the slot's first host. */
function domainOf({
  mechanism,
  slot,
  domain,
}: Pick<SlotSettings, 'slot' | 'mechanism' | 'domain'>): string | undefined {
  const [first] = slot.hosts;
  return mechanism === 'dns' && first !== undefined ? first.slice(first.indexOf('.') + 1) : domain;
}

/** @see https://www.rfc-editor.org/rfc/rfc6761 (localhost and test never lead to another machine) */
function isOnThisMachine(domain: string): boolean {
  return /(^|\.)(localhost|test)$/.test(domain);
}

/** By the provider's router, where it has one and the config does not say otherwise. */
export function mechanismOf(slot: SlotConfig, bound: BoundProvider): 'router' | 'dns' {
  return slot.mechanism ?? (bound.capabilities['slots.router']?.can === 'yes' ? 'router' : 'dns');
}

/** What makes an environment of this slot another than the commit's own. Undefined: nothing does. */
function ownSettings(
  slot: SlotConfig,
  config: ProjectConfig,
  { capabilities }: BoundProvider,
  swapped: readonly string[],
): object | undefined {
  const volumes = Object.entries(config.volumes).filter(([, { scope }]) => scope === 'slot');
  const isShared = capabilities['slots.shared']?.can === 'yes';
  const hasOwn = Object.keys(slot.env).length > 0 || Object.keys(slot.secrets).length > 0 || volumes.length > 0;
  if (!hasOwn && isShared) return undefined;
  return {
    env: slot.env,
    secrets: slot.secrets,
    volumes: [...volumes.map(([name]) => name), ...swapped],
    hosts: isShared ? [] : slot.hosts,
  };
}

/** Volumes in use in place of the slot's first ones: what mounts another volume is another environment. */
async function swappedIn(session: Session, slot: string, { volumes }: ProjectConfig): Promise<readonly string[]> {
  const places = Object.entries(volumes).flatMap(([name, { scope }]) =>
    scope === 'slot' ? [placeId(name, { scope, slot })] : [],
  );
  if (places.length === 0) return [];
  const found = await session.briefly(`read the volumes of ${slot}`, (call) =>
    Promise.all(places.map((id) => session.documents.volumes.get(id, call))),
  );
  return found.flatMap((one) => (one?.document.current === undefined ? [] : [one.document.current]));
}

function publicPaths(members: readonly Pick<EnvironmentDocument, 'spec'>[]): Record<string, string> {
  const paths = members.flatMap(({ spec }) =>
    Object.entries({ ...spec?.services, ...spec?.sites }).flatMap(([name, { route }]) =>
      route === undefined ? [] : [[name, route] as const],
    ),
  );
  return Object.fromEntries(paths.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function notKnown(id: string, why: string): ProviderError {
  return new ProviderError(
    'refused',
    `what environment ${id} was made from is not known since the state was rebuilt: ${why}`,
    {
      effect: 'none',
      hint: `clusternator env destroy ${id}, then create it again`,
    },
  );
}

function noSuchSlot(name: string, { slots }: ProjectConfig, { id }: Pick<EnvironmentDocument, 'id'>): ProviderError {
  const known = Object.keys(slots);
  const meant = nearest(name, known);
  const list = known.length > 0 ? `it has ${known.join(', ')}` : 'it has none: add one under `slots:`';
  return new ProviderError('not-found', `the config of ${id} has no slot "${name}"`, {
    path: `slots.${name}`,
    hint: meant === undefined ? list : `did you mean ${meant}? ${list}`,
  });
}
