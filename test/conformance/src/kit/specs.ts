import {
  fingerprint,
  type EnvironmentSpec,
  type FoundationSpec,
  type ServiceSpec,
  type SiteSpec,
  type SlotSpec,
  type Volume,
} from '@clusternator/core';
import type { SnapshotSpec, VolumeSpec } from '@clusternator/core';
import { tagsFor } from '@clusternator/core/kit';
import type { Artefacts } from './apps.ts';
import type { Account } from './harness.ts';

const HEALTH = { path: '/', statusFrom: 200, statusTo: 299, everySeconds: 1, withinSeconds: 30, healthyAfter: 1 };

const FIRST_PORT = 8080;

export interface Owner {
  readonly project: string;
  readonly stage: string;
}
type Parts = Partial<Pick<EnvironmentSpec, 'services' | 'sites' | 'hosts' | 'slot' | 'native'>>;

/** Of its own: a cloud may give a name to one alone. */
function domainOf<T extends string | undefined>({ project, stage }: Owner, domain: T) {
  return domain === undefined ? domain : `${project}-${stage}.${domain}`;
}

/** One a project and stage, as core asks for it. */
export function foundationSpec(
  owner: Owner,
  { config, foundationDomain }: Pick<Account, 'config' | 'foundationDomain'>,
): FoundationSpec {
  const domain = domainOf(owner, foundationDomain);
  const about = { type: 'foundation', id: 'main', fingerprint: fingerprint({ config, domain }) } as const;
  const { id, fingerprint: print } = about;
  return { id, fingerprint: print, tags: tagsFor(owner, about), ...(domain !== undefined && { domain }) };
}

/** Specs as core makes them: with fingerprints, tags and host names. */
export class Specs {
  constructor(
    readonly owner: Owner,
    private readonly account: Account,
    private readonly artefacts: Artefacts,
    private readonly made: 'services' | 'sites' = 'services',
  ) {}

  /** Where the provider runs images alone: the kit's app in one. */
  private get image(): string | undefined {
    return this.account.image;
  }

  /** A public service that answers with `marker`. */
  service(marker: string, more: Partial<ServiceSpec> = {}): ServiceSpec {
    const { port = 8080 } = more;
    return {
      artefact: this.image === undefined ? this.artefacts.app(marker) : { kind: 'image', reference: this.image },
      ...(this.image === undefined && { command: ['node', 'server.mjs'] }),
      port,
      protocol: 'http',
      route: '/',
      health: HEALTH,
      secrets: {},
      needs: {},
      mounts: {},
      cpus: 0.25,
      memoryMiB: 128,
      instances: { min: 1, max: 1 },
      ...more,
      env: { KIT_APP: marker, ...(this.image !== undefined && { PORT: String(port) }), ...more.env },
    };
  }

  /** A site whose only page says `marker`. */
  site(marker: string, more: Partial<SiteSpec> = {}): SiteSpec {
    return { artefact: this.artefacts.tree({ 'index.html': marker }), route: '/', ...more };
  }

  /** Public parts that answer with `marker`, each under its route: services or sites, as the harness has it. */
  parts(
    marker: string,
    routes: Readonly<Record<string, string>> = { web: '/' },
  ): Pick<EnvironmentSpec, 'services' | 'sites'> {
    const all = Object.entries(routes);
    if (this.made === 'sites')
      return {
        services: {},
        sites: Object.fromEntries(all.map(([name, route]) => [name, this.site(marker, { route })])),
      };
    const services = all.map(([name, route], at) => [name, this.service(marker, { route, port: FIRST_PORT + at })]);
    return { services: Object.fromEntries(services) as EnvironmentSpec['services'], sites: {} }; // as above
  }

  /** Of one public part that answers with its id, unless told otherwise. */
  environment(id: string, parts: Parts = {}): EnvironmentSpec {
    const isTold = parts.services !== undefined || parts.sites !== undefined;
    const { services = {}, sites = {} } = isTold ? parts : this.parts(id);
    const { hosts = [this.host(id)], slot } = parts;
    const content = { id, hosts, services, sites, ...(slot !== undefined && { slot }) };
    return { ...content, ...this.#made('environment', content) };
  }

  /** One that the tenant makes by itself, before it makes anything else. */
  foundation(): FoundationSpec {
    return foundationSpec(this.owner, this.account);
  }

  slot(id: string, more: Partial<SlotSpec> = {}): SlotSpec {
    const content = {
      id,
      hosts: [this.host(id)],
      standbyHosts: [this.host(`${id}-1`), this.host(`${id}-2`)],
      parts: { web: '/' },
      tls: false,
      drain: { requestsSeconds: 30, webSocketsSeconds: 1 },
      ...more,
    };
    return { ...content, ...this.#made('slot', content) };
  }

  volume(id: string, more: Partial<VolumeSpec> = {}): VolumeSpec {
    const content = { id, kind: 'files' as const, sizeGiB: 1, ...more };
    return { ...content, ...this.#made('volume', { ...content, from: fromOf(content.from) }) };
  }

  snapshot(id: string, volume: Volume): SnapshotSpec {
    return { id, volume, ...this.#made('snapshot', { id, volume: volume.id }) };
  }

  host(label: string): string {
    return `${label}--${this.owner.project}.${domainOf(this.owner, this.account.foundationDomain) ?? this.account.domain}`;
  }

  #made(
    type: 'environment' | 'slot' | 'volume' | 'snapshot',
    content: { readonly id: string; readonly [key: string]: unknown },
  ) {
    const print = fingerprint(content);
    const tags = tagsFor(this.owner, { type, id: content.id, fingerprint: print, tags: { commit: 'a'.repeat(40) } });
    return { fingerprint: print, tags };
  }
}

function fromOf(from: VolumeSpec['from']): string | undefined {
  if (!from) return undefined;
  return 'snapshot' in from ? `snapshot ${from.snapshot.id}` : `volume ${from.volume.id}`;
}
