import type { FilesArtefact, ImageArtefact } from '../artefact/artefact.ts';
import type { ProjectConfig } from '../config/schema.ts';
import { engineServices, imageServices } from '../environment/build.ts';
import type { Environment, EnvironmentSpec } from '../environment/environment.ts';
import { environmentSpec, type Artefacts, type EnvironmentIdentity } from '../environment/spec.ts';
import { unmadeVolumes, volumeSpecs, type NamedVolume } from '../environment/volumes.ts';
import type { Session } from '../host/session.ts';
import { environmentResourceId, formatEnvironmentId, type EnvironmentLife } from '../names/environment-id.ts';
import { environmentLabel } from '../names/host-label.ts';
import { readTag } from '../names/tags.ts';
import { slotSettings, withSlotSettings } from '../slot/settings.ts';
import { withVolume } from '../storage/remount.ts';
import type { Volume } from '../storage/storage.ts';
import type { KnownCommit } from './commits.ts';
import type { Survey } from './survey.ts';

/** What a commit can have become: an environment is told by its fingerprint which of these it was made from. */
export interface KnownSpec {
  readonly spec: EnvironmentSpec;
  readonly hosts: readonly string[];
  readonly images: readonly string[];
}

/** More volumes than that at the places of one environment are not tried against each other. */
const MOST_TRIES = 256;
/** How often the volumes of an environment may have been swapped in turn. */
const MOST_SWAPS = 3;

/**
 * The spec that an environment was made from, computed again from its commit. Only one that has the environment's own fingerprint is it.
 * @returns `why`: none has.
 */
export async function knownSpec(
  session: Session,
  { bound, volumes }: Pick<Survey, 'bound' | 'volumes'>,
  { life, live }: { readonly life: EnvironmentLife; readonly live: Environment },
  commit: KnownCommit,
): Promise<KnownSpec | { readonly why: string }> {
  const resourceId = environmentResourceId(life);
  const slot = life.id.slot?.name;
  const place = await placeOf(session, bound.provider.domain, life, commit);
  if ('why' in place) return place;
  const { config, hosts } = place;
  const artefacts = artefactsOf(session, config, live, commit.source);
  if ('why' in artefacts) return artefacts;
  const named = volumeSpecs(session, config, resourceId, slot);
  const identity: Omit<EnvironmentIdentity, 'hosts'> = {
    project: session.project,
    stage: session.stage,
    id: formatEnvironmentId(life.id),
    resourceId,
    commit: commit.sha,
    incarnation: life.incarnation,
    ...(slot !== undefined && { slot }),
  };
  for (const own of hosts) {
    for (const mounted of choices(named, volumes)) {
      for (const built of artefacts.choices) {
        const first = environmentSpec({ ...identity, hosts: own }, config, built, mounted);
        const spec = live.fingerprint === undefined ? first : remounted(session, first, live.fingerprint, volumes);
        if (!spec) continue;
        return { spec: { ...spec, tags: live.tags ?? spec.tags }, hosts: own, images: engineServices(config) };
      }
    }
  }
  return { why: `what its commit comes to now is not what it was made from` };
}

interface Place {
  readonly config: ProjectConfig;
  /** That it may answer for: the short name or, beside a neighbour that has it, the long one. */
  readonly hosts: readonly (readonly string[])[];
}

async function placeOf(
  session: Session,
  ownDomain: string | undefined,
  { id }: EnvironmentLife,
  { sha, config }: KnownCommit,
): Promise<Place | { readonly why: string }> {
  const named = (domain: string | undefined): readonly (readonly string[])[] =>
    domain === undefined
      ? [[]]
      : ([8, 12] as const).map((digits) => [`${environmentLabel(session, id, digits)}.${domain}`]);
  const { slot } = id;
  if (!slot) return { config, hosts: named(ownDomain ?? config.domain) };
  const slotConfig = Object.hasOwn(config.slots, slot.name) ? config.slots[slot.name] : undefined;
  if (!slotConfig) return { why: `the config of its commit has no slot ${slot.name}` };
  const { provider } = config;
  const settings = await slotSettings(session, slot.name, {
    id: formatEnvironmentId(id),
    commit: sha,
    provider,
    config,
  });
  const { capabilities } = await session.bind(provider);
  const isShared = settings.mechanism === 'router' && capabilities['slots.shared']?.can === 'yes';
  const own = named(settings.domain);
  return {
    config: withSlotSettings(config, slotConfig),
    hosts: isShared ? own : own.map((hosts) => [...hosts, ...slotConfig.hosts]),
  };
}

/** What its parts can run: a source tree is its commit's, what was built is what the provider tells, as far as that is still known here. */
function artefactsOf(
  session: Session,
  config: ProjectConfig,
  live: Environment,
  source: FilesArtefact,
): { readonly choices: readonly Artefacts[] } | { readonly why: string } {
  const images = new Set(imageServices(config));
  const services: [string, readonly (ImageArtefact | FilesArtefact)[]][] = [];
  for (const [name, { image }] of Object.entries(config.services)) {
    if (!images.has(name)) {
      services.push([name, [source]]);
      continue;
    }
    const digest = live.parts[name]?.digest;
    if (digest === undefined) return { why: `its provider does not tell which image ${name} runs` };
    const pinned = image === undefined ? [] : [`${image.replace(/(@.*|:[^/]*)$/, '')}@${digest}`];
    services.push([name, [digest, ...pinned].map((reference) => ({ kind: 'image', reference }))]);
  }
  const sites: [string, FilesArtefact][] = [];
  for (const name of Object.keys(config.sites)) {
    const digest = live.parts[name]?.digest;
    const artefact = digest === undefined ? undefined : session.artefacts.find(digest);
    if (!artefact) return { why: `the files of its site ${name} are not on this machine` };
    sites.push([name, artefact]);
  }
  return {
    choices: products(services).map((chosen) => ({ services: chosen, sites: Object.fromEntries(sites) })),
  };
}

/** The volumes that may be mounted: the first at each place, or one that was made to take its place. */
function choices(named: readonly NamedVolume[], volumes: readonly Volume[]): readonly Record<string, Volume>[] {
  const unmade = unmadeVolumes(named);
  const options = named.map(({ name, spec: { id } }): [string, readonly Volume[]] => {
    const first = volumes.find((one) => one.id === id) ?? unmade[name];
    const others = volumes.filter(({ tags }) => tags && readTag(tags, 'place') === id);
    return [name, [...(first ? [first] : []), ...others]];
  });
  return products(options);
}

/** All ways to choose one of each. */
function products<T>(options: readonly (readonly [string, readonly T[]])[]): readonly Record<string, T>[] {
  let all: readonly Record<string, T>[] = [{}];
  for (const [name, values] of options)
    all = all.flatMap((one) => values.map((value) => ({ ...one, [name]: value }))).slice(0, MOST_TRIES);
  return all;
}

/** The spec itself, or what it became when volumes of the environment were swapped. Undefined: neither has this fingerprint. */
function remounted(
  session: Session,
  first: EnvironmentSpec,
  wanted: string,
  volumes: readonly Volume[],
): EnvironmentSpec | undefined {
  let specs: readonly EnvironmentSpec[] = [first];
  for (let swaps = 0; swaps <= MOST_SWAPS; swaps++) {
    const found = specs.find(({ fingerprint }) => fingerprint === wanted);
    if (found) return found;
    specs = specs.flatMap((spec) => swapped(session, spec, volumes)).slice(0, MOST_TRIES);
  }
  return undefined;
}

function swapped(session: Session, spec: EnvironmentSpec, volumes: readonly Volume[]): readonly EnvironmentSpec[] {
  const mounts = Object.values(spec.services).flatMap((service) => Object.values(service.mounts));
  const mounted = new Set(mounts.map(({ volume }) => volume.id));
  const placeOfVolume = (id: string): string => {
    const tags = volumes.find((one) => one.id === id)?.tags;
    return (tags && readTag(tags, 'place')) ?? id;
  };
  return [...mounted].flatMap((from) =>
    volumes
      .filter(({ id }) => id !== from && !mounted.has(id) && placeOfVolume(id) === placeOfVolume(from))
      .map((to) => withVolume(session, spec, from, to)),
  );
}
