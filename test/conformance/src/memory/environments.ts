import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type {
  Call,
  Environment,
  EnvironmentDriver,
  EnvironmentSpec,
  FilesArtefact,
  Health,
  Host,
  Instances,
  LogLine,
  LogQuery,
  Part,
  Plan,
  ResourceRef,
  ServiceSpec,
} from '@clusternator/core/provider';
import { NativeKey, ProviderError } from '@clusternator/core/provider';
import { z } from 'zod';
import { assertOurs, isConflict, isMissing, itemSchema, type CloudClient } from './client.ts';

const serviceSchema = z.object({
  state: z.enum(['starting', 'running', 'stopping', 'stopped', 'failed', 'unhealthy']),
  message: z.string().optional(),
  running: z.number(),
  bundle: z.string(),
  lastRequestAt: z.string().optional(),
});
const environmentSchema = itemSchema.extend({
  spec: z.object({
    hosts: z.array(z.string()),
    services: z.array(z.string()),
    sites: z.record(z.string(), z.object({ route: z.string(), bundle: z.string() })),
  }),
  services: z.record(z.string(), serviceSchema),
});
type Item = z.output<typeof environmentSchema>;
const logsSchema = z.object({
  lines: z.array(
    z.object({ seq: z.number(), at: z.string(), service: z.string(), instance: z.string(), text: z.string() }),
  ),
  isEnded: z.boolean(),
});

/** The cloud's own side of an environment. */
export const memoryEnvironment = new NativeKey<Item>();

/** Environments of the memory cloud: bundles first, then the environment with all that is to be in it, then its services as their needs come up. */
export class MemoryEnvironments implements EnvironmentDriver {
  constructor(
    private readonly host: Host,
    private readonly cloud: CloudClient,
    private readonly edgePort: number,
  ) {}

  async ensure(spec: EnvironmentSpec, call: Call): Promise<Environment> {
    const name = this.#name(spec);
    if (Object.values(spec.services).some(({ artefact }) => artefact.kind !== 'files'))
      throw new ProviderError('unsupported', 'the memory cloud runs no images');
    const found = (await this.#find(name, call)) ?? (await this.#create(name, spec, call));
    const { fingerprint } = assertOurs(this.host, found);
    if (fingerprint !== spec.fingerprint || found.state !== 'active') return this.#environment(found);
    const missing = Object.entries(spec.services).filter(
      ([service, { needs }]) =>
        !found.services[service] && Object.keys(needs).every((it) => found.services[it]?.state === 'running'),
    );
    if (missing.length === 0) return this.#environment(found);
    for (const [service, wanted] of missing) await this.#start(name, service, wanted, call);
    return this.#environment((await this.#find(name, call)) ?? found);
  }

  async read(ref: ResourceRef, call: Call): Promise<Environment | undefined> {
    const found = await this.#find(this.#name(ref), call);
    if (!found) return undefined;
    assertOurs(this.host, found);
    return this.#environment(found);
  }

  async *list(call: Call): AsyncGenerator<Environment> {
    const filter = { tag: `clusternator_project=${this.host.project}` };
    for await (const item of this.cloud.list('environments', filter, environmentSchema, call))
      if (this.host.identify(item.tags)) yield this.#environment(item);
  }

  async destroy(ref: ResourceRef, call: Call): Promise<void> {
    const name = this.#name(ref);
    const found = await this.#find(name, call);
    if (!found) return;
    assertOurs(this.host, found);
    if (found.state === 'deleting') return;
    try {
      await this.cloud.ask({ method: 'DELETE', path: `environments/${name}`, schema: z.unknown() }, call);
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }

  async health(environment: Environment, call: Call): Promise<Health> {
    const { item } = await this.#must(environment, call);
    const services = item.spec.services.map((name) => [name, item.services[name]] as const);
    const parts = services.map(([name, service]): [string, Health['parts'][string]] => [
      name,
      {
        ...{ healthy: service?.state === 'running', instances: service?.running ?? 0 },
        ...(service?.message !== undefined && { message: service.message }),
      },
    ]);
    const sites = Object.keys(item.spec.sites).map((name): [string, Health['parts'][string]] => [
      name,
      { healthy: true },
    ]);
    const last = services
      .flatMap(([, service]) => service?.lastRequestAt ?? [])
      .sort()
      .at(-1);
    return {
      healthy: parts.every(([, { healthy }]) => healthy),
      parts: Object.fromEntries([...parts, ...sites]),
      observedAt: this.host.now(),
      ...(last !== undefined && { lastRequestAt: new Date(last) }),
    };
  }

  async *logs(environment: Environment, query: LogQuery, call: Call): AsyncGenerator<LogLine> {
    const { name } = await this.#must(environment, call);
    let after = query.after ?? '0';
    for (;;) {
      const path = `environments/${name}/logs?after=${after}`;
      const found = await this.cloud.find(path, logsSchema, call);
      for (const { seq, at, ...line } of found?.lines ?? []) {
        after = String(seq);
        const isWanted =
          (query.services?.includes(line.service) ?? true) && new Date(at) >= (query.since ?? new Date(0));
        if (isWanted) yield { ...line, at: new Date(at), cursor: after };
      }
      const isAtEnd = !found || found.lines.length === 0;
      if (isAtEnd && (!query.follow || !found || found.isEnded)) return;
      if (isAtEnd) await this.host.sleep(0.02, call);
    }
  }

  async scale(environment: Environment, instances: Readonly<Record<string, Instances>>, call: Call): Promise<void> {
    const { name, item } = await this.#must(environment, call);
    for (const [service, { min }] of Object.entries(instances)) {
      if (item.services[service]?.running === min) continue;
      const path = `environments/${name}/services/${service}`;
      await this.cloud.ask({ method: 'PATCH', path, body: { instances: min }, schema: z.unknown() }, call);
    }
  }

  async plan(spec: EnvironmentSpec, call: Call): Promise<Plan> {
    const found = await this.#find(this.#name(spec), call);
    return { changes: found ? [] : [{ action: 'create', what: `environment ${spec.id}` }] };
  }

  #name({ id }: ResourceRef): string {
    return this.host.name(['env', id], { maxLength: 40 });
  }

  /** The cloud keeps the name of what was deleted for a while: that is no environment. */
  async #find(name: string, call: Call): Promise<Item | undefined> {
    const found = await this.cloud.find(`environments/${name}`, environmentSchema, call);
    return found?.state === 'deleted' ? undefined : found;
  }

  async #must({ id }: ResourceRef, call: Call): Promise<{ readonly name: string; readonly item: Item }> {
    const name = this.#name({ id });
    const item = await this.#find(name, call);
    if (!item) throw new ProviderError('not-found', `there is no environment ${id}`);
    assertOurs(this.host, item);
    return { name, item };
  }

  async #create(name: string, spec: EnvironmentSpec, call: Call): Promise<Item> {
    const artefacts = [...Object.values(spec.services), ...Object.values(spec.sites)].map(({ artefact }) => artefact);
    for (const artefact of artefacts) if (artefact.kind === 'files') await this.#upload(artefact, call);
    const sites = Object.entries(spec.sites).map(([site, { route, artefact }]) => [
      site,
      { route, bundle: artefact.digest },
    ]);
    const body = {
      tags: spec.tags,
      spec: { hosts: spec.hosts, services: Object.keys(spec.services), sites: Object.fromEntries(sites) },
    };
    try {
      return await this.cloud.ask(
        { method: 'PUT', path: `environments/${name}`, body, ifNew: true, schema: environmentSchema },
        call,
      );
    } catch (error) {
      const other = isConflict(error) && (await this.#find(name, call)); // another call of ours was first, or an answer was lost
      if (!other) throw error;
      return other;
    }
  }

  async #upload(artefact: FilesArtefact, call: Call): Promise<void> {
    const path = `bundles/${artefact.digest}`;
    if (await this.cloud.find(path, z.unknown(), call)) return;
    const body = { files: await filesIn(await this.host.folder(artefact, call)) };
    await this.cloud.ask({ method: 'PUT', path, body, schema: z.unknown() }, call);
  }

  async #start(name: string, service: string, spec: ServiceSpec, call: Call): Promise<void> {
    const secrets = Object.entries(spec.secrets).map(
      async ([variable, it]) => [variable, await this.host.reveal(it, call)] as const,
    );
    const { command = [], port = 8080, route, health, env, needs } = spec;
    const body = {
      ...{ bundle: digestOf(spec), command, port, env, needs, instances: spec.instances.min },
      ...(route !== undefined && { route }),
      ...(health && { check: health.path }),
      secrets: Object.fromEntries(await Promise.all(secrets)),
      mounts: Object.fromEntries(Object.entries(spec.mounts).map(([at, { volume }]) => [at, volume.handle.name ?? ''])),
    };
    try {
      const request = { method: 'PUT', path: `environments/${name}/services/${service}`, schema: z.unknown() } as const;
      await this.cloud.ask({ ...request, body: this.host.merge(body, spec.native), ifNew: true }, call);
    } catch (error) {
      if (!isConflict(error)) throw error; // it is there
    }
  }

  #environment(item: Item): Environment {
    const identity = assertOurs(this.host, item);
    const services = item.spec.services.map((name): [string, Part] => [name, partOf(item.services[name])]);
    const sites = Object.entries(item.spec.sites).map(([name, { bundle }]): [string, Part] => [
      name,
      { phase: 'active', digest: bundle },
    ]);
    const phases = services.map(([, { phase }]) => phase);
    const settled = phases.includes('failed') ? 'failed' : phases.includes('creating') ? 'creating' : 'active';
    const environment: Environment = {
      ...{ id: identity.id, fingerprint: identity.fingerprint, tags: identity.tags, handle: { name: item.name } },
      phase: item.state === 'deleting' ? 'destroying' : settled,
      url: `http://${item.spec.hosts[0] ?? ''}:${String(this.edgePort)}`,
      parts: Object.fromEntries([...services, ...sites]),
    };
    return memoryEnvironment.attach(environment, item);
  }
}

function digestOf({ artefact }: ServiceSpec): string {
  return artefact.kind === 'files' ? artefact.digest : artefact.reference;
}

const PHASES = {
  starting: 'creating',
  running: 'active',
  stopping: 'destroying',
  stopped: 'stopped',
  failed: 'failed',
  unhealthy: 'active',
} as const;

function partOf(service: Item['services'][string] | undefined): Part {
  if (!service) return { phase: 'creating', message: 'waits for what it needs' };
  const { state, bundle, message } = service;
  return { phase: PHASES[state], digest: bundle, ...(message !== undefined && { message }) };
}

async function filesIn(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
  const contents = files.map(async (file) => [path.relative(folder, file), await readFile(file, 'base64')] as const);
  return Object.fromEntries(await Promise.all(contents));
}
