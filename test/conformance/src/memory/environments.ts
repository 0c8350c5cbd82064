import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { NativeKey, ProviderError, type Call, type Host } from '@clusternator/core/provider';
import type { Environment, EnvironmentDriver, EnvironmentSpec, FilesArtefact } from '@clusternator/core/provider';
import type { Health, Instances, LogLine, LogQuery } from '@clusternator/core/provider';
import type { Part, Phase, Plan, ServiceSpec } from '@clusternator/core/provider';
import { z } from 'zod';
import { isConflict, type CloudClient } from './client.ts';
import { Things, thingSchema } from './things.ts';

const serviceSchema = z.object({
  state: z.enum(['starting', 'running', 'stopping', 'stopped', 'failed', 'unhealthy']),
  message: z.string().optional(),
  running: z.number(),
  bundle: z.string(),
  lastRequestAt: z.coerce.date().optional(),
});
const environmentSchema = thingSchema.extend({
  spec: z.object({
    hosts: z.array(z.string()),
    services: z.array(z.string()),
    sites: z.record(z.string(), z.object({ route: z.string(), bundle: z.string() })),
  }),
  services: z.record(z.string(), serviceSchema),
});
const logsSchema = z.object({
  lines: z.array(
    z.object({ seq: z.number(), at: z.coerce.date(), service: z.string(), instance: z.string(), text: z.string() }),
  ),
  isEnded: z.boolean(),
});
type EnvironmentThing = z.output<typeof environmentSchema>;

const PHASES: Readonly<Record<z.output<typeof serviceSchema>['state'], Phase>> = {
  starting: 'creating',
  running: 'active',
  unhealthy: 'active', // it has been up: `health` tells the rest
  stopping: 'destroying',
  stopped: 'stopped',
  failed: 'failed',
};

/** The cloud's own side of an environment. */
export const memoryEnvironment = new NativeKey<EnvironmentThing>();

/** Environments of the memory cloud: bundles first, then the environment with all that is to be in it, then its services as their needs come up. */
export class MemoryEnvironments
  extends Things<EnvironmentSpec, EnvironmentThing, Environment>
  implements EnvironmentDriver
{
  constructor(
    host: Host,
    cloud: CloudClient,
    private readonly edgePort: number,
  ) {
    super(host, cloud, 'environments', environmentSchema);
  }

  async ensure(spec: EnvironmentSpec, call: Call): Promise<Environment> {
    if (Object.values(spec.services).some(({ artefact }) => artefact.kind !== 'files'))
      throw new ProviderError('unsupported', 'the memory cloud runs no images');
    const found = (await this.find(spec, call)) ?? (await this.#create(spec, call));
    const isAsAsked = this.identify(found).fingerprint === spec.fingerprint && found.state === 'active';
    const isUp = (service: string) => found.services[service]?.state === 'running';
    const due = Object.entries(spec.services).filter(
      ([name, { needs }]) => isAsAsked && !found.services[name] && Object.keys(needs).every(isUp),
    );
    for (const [name, service] of due) await this.#start(spec, name, service, call);
    return this.show(due.length > 0 ? await this.#must(spec, call) : found);
  }

  async health(environment: Environment, call: Call): Promise<Health> {
    const { spec, services } = await this.#must(environment, call);
    const parts = spec.services.map((name): [string, Health['parts'][string]] => {
      const { state, running = 0, message } = services[name] ?? {};
      return [name, { healthy: state === 'running', instances: running, ...(message !== undefined && { message }) }];
    });
    const sites = Object.keys(spec.sites).map((name) => [name, { healthy: true }] as const);
    const requests = Object.values(services).flatMap(({ lastRequestAt }) => lastRequestAt?.getTime() ?? []);
    return {
      healthy: parts.every(([, { healthy }]) => healthy),
      parts: Object.fromEntries([...parts, ...sites]),
      observedAt: this.host.now(),
      ...(requests.length > 0 && { lastRequestAt: new Date(Math.max(...requests)) }),
    };
  }

  async *logs(environment: Environment, query: LogQuery, call: Call): AsyncGenerator<LogLine> {
    await this.#must(environment, call);
    const { services, since = new Date(0), follow } = query;
    let after = query.after ?? '0';
    for (;;) {
      const found = await this.cloud.find(`${this.pathOf(environment)}/logs?after=${after}`, logsSchema, call);
      for (const { seq, ...line } of found?.lines ?? []) {
        after = String(seq);
        if (line.at >= since && (services?.includes(line.service) ?? true)) yield { ...line, cursor: after };
      }
      if (found && found.lines.length > 0) continue;
      if (!follow || !found || found.isEnded) return;
      await this.host.sleep(0.02, call);
    }
  }

  async scale(environment: Environment, instances: Readonly<Record<string, Instances>>, call: Call): Promise<void> {
    const { services } = await this.#must(environment, call);
    for (const [name, { min }] of Object.entries(instances)) {
      if (services[name]?.running === min) continue;
      const path = `${this.pathOf(environment)}/services/${name}`;
      await this.cloud.ask({ method: 'PATCH', path, body: { instances: min }, schema: z.unknown() }, call);
    }
  }

  async plan(spec: EnvironmentSpec, call: Call): Promise<Plan> {
    const found = await this.find(spec, call);
    return { changes: found ? [] : [{ action: 'create', what: `environment ${spec.id}` }] };
  }

  async #must(ref: Environment | EnvironmentSpec, call: Call): Promise<EnvironmentThing> {
    const found = await this.find({ id: ref.id }, call);
    if (!found) throw new ProviderError('not-found', `there is no environment ${ref.id}`);
    return found;
  }

  async #create(spec: EnvironmentSpec, call: Call): Promise<EnvironmentThing> {
    const { hosts, services, sites } = spec;
    const artefacts = [...Object.values(services), ...Object.values(sites)].map(({ artefact }) => artefact);
    for (const artefact of artefacts) if (artefact.kind === 'files') await this.#upload(artefact, call);
    const served = Object.entries(sites).map(([name, { route, artefact }]) => [
      name,
      { route, bundle: artefact.digest },
    ]);
    const body = { hosts, services: Object.keys(services), sites: Object.fromEntries(served) };
    return this.put(spec, body, undefined, call);
  }

  async #upload(artefact: FilesArtefact, call: Call): Promise<void> {
    const path = `bundles/${artefact.digest}`;
    if (await this.cloud.find(path, z.unknown(), call)) return;
    const body = { files: await filesIn(await this.host.folder(artefact, call)) };
    await this.cloud.ask({ method: 'PUT', path, body, schema: z.unknown() }, call);
  }

  async #start(environment: EnvironmentSpec, name: string, spec: ServiceSpec, call: Call): Promise<void> {
    const secrets = Object.entries(spec.secrets).map(
      async ([variable, it]) => [variable, await this.host.reveal(it, call)] as const,
    );
    const { artefact, command = [], port = 8080, route, health, env, needs, mounts, instances } = spec;
    const body = {
      ...{ bundle: artefact.kind === 'files' ? artefact.digest : '', command, port, route, check: health?.path },
      ...{ env, needs, instances: instances.min, secrets: Object.fromEntries(await Promise.all(secrets)) },
      mounts: Object.fromEntries(Object.entries(mounts).map(([at, { volume }]) => [at, volume.handle.name])),
    };
    const path = `${this.pathOf(environment)}/services/${name}`;
    try {
      const whole = this.host.merge(body, spec.native);
      await this.cloud.ask({ method: 'PUT', path, body: whole, ifNew: true, schema: z.unknown() }, call);
    } catch (error) {
      if (!isConflict(error)) throw error; // it is there
    }
  }

  protected show(thing: EnvironmentThing): Environment {
    const { spec, services, state } = thing;
    const parts = spec.services.map((name): [string, Part] => [name, partOf(services[name])]);
    const sites = Object.entries(spec.sites).map(([name, { bundle }]) => [name, { phase: 'active', digest: bundle }]);
    const phases = parts.map(([, { phase }]) => phase);
    const reached = (['failed', 'creating'] as const).find((phase) => phases.includes(phase)) ?? 'active';
    const environment: Environment = {
      ...this.common(thing),
      phase: state === 'deleting' ? 'destroying' : reached,
      url: `http://${spec.hosts[0] ?? ''}:${String(this.edgePort)}`,
      parts: Object.fromEntries([...parts, ...sites]) as Environment['parts'], // a part for each service and site
    };
    return memoryEnvironment.attach(environment, thing);
  }
}

function partOf(service: z.output<typeof serviceSchema> | undefined): Part {
  if (!service) return { phase: 'creating', message: 'waits for what it needs' };
  const { state, bundle, message } = service;
  return { phase: PHASES[state], digest: bundle, ...(message !== undefined && { message }) };
}

/** By path, in base 64. */
async function filesIn(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
  const contents = files.map(async (file) => [path.relative(folder, file), await readFile(file, 'base64')] as const);
  return Object.fromEntries(await Promise.all(contents));
}
