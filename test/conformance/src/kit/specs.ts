import {
  fingerprint,
  type EnvironmentSpec,
  type ServiceSpec,
  type SiteSpec,
  type SlotSpec,
  type Volume,
} from '@clusternator/core';
import type { SnapshotSpec, VolumeSpec } from '@clusternator/core';
import { tagsFor } from '@clusternator/core/kit';
import type { Artefacts } from './apps.ts';

const HEALTH = { path: '/', statusFrom: 200, statusTo: 299, everySeconds: 1, withinSeconds: 30, healthyAfter: 1 };

export interface Owner {
  readonly project: string;
  readonly stage: string;
}
type Parts = Partial<Pick<EnvironmentSpec, 'services' | 'sites' | 'hosts' | 'slot' | 'native'>>;

/** Specs as core makes them: with fingerprints, tags and host names. */
export class Specs {
  constructor(
    readonly owner: Owner,
    private readonly domain: string,
    private readonly artefacts: Artefacts,
    /** Where the provider runs images alone: the kit's app in one. */
    private readonly image: string | undefined,
  ) {}

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

  /** Of one public service that answers with its id, unless told otherwise. */
  environment(id: string, parts: Parts = {}): EnvironmentSpec {
    const { services = { web: this.service(id) }, sites = {}, hosts = [this.host(id)], slot } = parts;
    const content = { id, hosts, services, sites, ...(slot !== undefined && { slot }) };
    return { ...content, ...this.#made('environment', content) };
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
    return `${label}--${this.owner.project}.${this.domain}`;
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
