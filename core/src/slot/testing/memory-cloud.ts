import type { RecordSet } from '../../dns/dns.ts';
import type {
  Environment,
  EnvironmentDriver,
  EnvironmentSpec,
  Health,
  Instances,
  LogLine,
  LogQuery,
} from '../../environment/environment.ts';
import { ProviderError } from '../../provider/error.ts';
import type { Phase } from '../../provider/resource.ts';
import type { Deal } from './deal.ts';
import { MemoryRouter } from './memory-router.ts';

/** A cloud in memory: environments that run, and a router. All dealings of one process go through `deal`. */
export class MemoryCloud extends MemoryRouter {
  readonly running = new Map<string, EnvironmentSpec>();
  /** By resource id, of those that are not active. */
  readonly phases = new Map<string, Phase>();
  readonly scaled = new Map<string, Record<string, Instances>>();
  /** Services that are scaled to none and still run, by `<resource id>/<service>`: for so many looks at their environment. */
  readonly leaving = new Map<string, number>();
  /** By resource id: what its services say when they are stopped, or else as they are destroyed. */
  readonly lastWords = new Map<string, LogLine>();
  /** How many looks it takes until what is scaled to none has ended. */
  stopsAfter = 2;
  /** Somebody asked for a disk that another has. */
  onTwoHolders: (volume: string, has: string, wants: string) => void = () => {};
  /** Resource ids whose parts answer badly, and how: a text each time that one is asked. */
  readonly sick = new Map<string, () => string | undefined>();
  /** By resource id: how long before the look a request was seen. */
  readonly traffic = new Map<string, number>();
  readonly execs: { readonly id: string; readonly command: readonly string[] }[] = [];
  /** What a command says and ends with, by what it is called with. */
  exec: (id: string, command: readonly string[]) => { readonly code: number; readonly says?: string } = () => ({
    code: 0,
  });
  /** What their services wrote, by resource id; cursors count from 1. */
  readonly lines = new Map<string, readonly LogLine[]>();
  /** Whether it gives out the lines of what is gone. */
  keepsLogs = false;
  /** By environment, what commands were given to read. */
  readonly inputs = new Map<string, string>();
  onDestroy: (id: string) => void = () => {};
  /** By resource id: what its own names need. */
  recordsOf: (id: string) => readonly RecordSet[] = () => [];
  /** None ever returns, not even when a slot is made again. */
  urlOf = (id: string): string => `http://${id}.test`;

  environments(deal: Deal): EnvironmentDriver {
    const resource = (spec: EnvironmentSpec): Environment => ({
      id: spec.id,
      fingerprint: spec.fingerprint,
      tags: spec.tags,
      phase: this.phases.get(spec.id) ?? 'active',
      handle: { id: spec.id },
      url: this.urlOf(spec.id),
      ...(this.recordsOf(spec.id).length > 0 && { records: this.recordsOf(spec.id) }),
      address: { type: 'A', value: `127.64.${spec.slot === undefined ? '0' : '1'}.${String(spec.id.charCodeAt(0))}` },
      parts: Object.fromEntries(Object.keys(spec.services).map((name) => [name, { phase: this.phaseOf(spec, name) }])),
    });
    return {
      ensure: (spec) =>
        deal('ensure environment', () => {
          if (!this.running.has(spec.id)) {
            this.assertMayHold(spec, {});
            this.running.set(spec.id, spec);
          }
          return resource(this.running.get(spec.id) ?? spec);
        }),
      read: ({ id }) =>
        deal('read environment', () => {
          const spec = this.running.get(id);
          if (spec) this.letEnd(spec);
          return spec && resource(spec);
        }),
      list: async function* (this: MemoryCloud) {
        const all = await deal('list environments', () => [...this.running.values()]);
        for (const spec of all) yield resource(spec);
      }.bind(this),
      destroy: ({ id }) =>
        deal('destroy environment', () => {
          this.onDestroy(id);
          this.speak(id);
          this.running.delete(id);
          this.phases.delete(id);
          this.scaled.delete(id);
        }),
      health: ({ id }) =>
        deal('health', (): Health => {
          const spec = this.running.get(id);
          if (!spec) throw new ProviderError('not-found', `${id} does not run`);
          const lacks = Object.keys(spec.services).find((name) => this.lacksDisk(spec, name));
          const sickness = this.sick.get(id)?.() ?? (lacks === undefined ? undefined : `${lacks} does not run`);
          const healthy = sickness === undefined;
          const agoSeconds = this.traffic.get(id);
          return {
            healthy,
            parts: {
              ...Object.fromEntries(
                Object.keys(spec.services).map((name) => {
                  const instances = this.instancesOf(spec, name);
                  return [name, { healthy: instances > 0 || !this.lacksDisk(spec, name), instances }];
                }),
              ),
              web: { healthy, instances: 1, ...(sickness !== undefined && { message: sickness }) },
            },
            observedAt: new Date(1e9),
            ...(agoSeconds !== undefined && { lastRequestAt: new Date(1e9 - agoSeconds * 1000) }),
          };
        }),
      logs: async function* (this: MemoryCloud, { id }: Environment, { after }: LogQuery) {
        if (!this.running.has(id) && !this.keepsLogs) throw new ProviderError('not-found', `${id} does not run`);
        for (const line of [...(this.lines.get(id) ?? [])])
          if (Number(line.cursor) > Number(after ?? 0)) yield await deal('read a log line', () => line);
      }.bind(this),
      exec: ({ id }, { command }) =>
        deal('exec', () => {
          this.execs.push({ id, command });
          const { code, says = '' } = this.exec(id, command);
          return {
            output: (async function* () {
              yield Buffer.from(says);
            })(),
            exitCode: Promise.resolve(code),
            write: (bytes: Uint8Array) => {
              this.inputs.set(id, (this.inputs.get(id) ?? '') + Buffer.from(bytes).toString('utf8'));
              return Promise.resolve();
            },
            end: () => Promise.resolve(),
          };
        }),
      scale: ({ id }, instances) =>
        deal('scale', () => {
          const spec = this.running.get(id);
          if (spec) this.assertMayHold(spec, instances);
          for (const [name, { max }] of Object.entries(instances))
            if (spec && max === 0 && this.instancesOf(spec, name) > 0)
              this.leaving.set(`${id}/${name}`, this.stopsAfter);
          this.scaled.set(id, { ...this.scaled.get(id), ...instances });
        }),
    };
  }

  /** Resource ids and services that have a disk mounted and run. */
  holdersOf(volume: string): readonly string[] {
    return [...this.running.values()].flatMap((spec) =>
      Object.keys(spec.services).flatMap((name) =>
        disksOf(spec, name).includes(volume) && this.phaseOf(spec, name) !== 'stopped' ? [`${spec.id}/${name}`] : [],
      ),
    );
  }

  private instancesOf(spec: EnvironmentSpec, name: string): number {
    return (this.scaled.get(spec.id)?.[name] ?? spec.services[name]?.instances)?.max ?? 0;
  }

  private phaseOf(spec: EnvironmentSpec, name: string): 'active' | 'destroying' | 'stopped' {
    if (this.instancesOf(spec, name) > 0) return 'active';
    return this.leaving.has(`${spec.id}/${name}`) ? 'destroying' : 'stopped';
  }

  /** A service that is to run on a disk and does not. */
  private lacksDisk(spec: EnvironmentSpec, name: string): boolean {
    return (
      disksOf(spec, name).length > 0 &&
      (spec.services[name]?.instances.max ?? 0) > 0 &&
      this.instancesOf(spec, name) === 0
    );
  }

  private letEnd(spec: EnvironmentSpec): void {
    for (const name of Object.keys(spec.services)) {
      const key = `${spec.id}/${name}`;
      const left = this.leaving.get(key);
      if (left === undefined) continue;
      if (left > 1) this.leaving.set(key, left - 1);
      else {
        this.leaving.delete(key);
        this.speak(spec.id);
      }
    }
  }

  private speak(id: string): void {
    const line = this.lastWords.get(id);
    if (line) this.lines.set(id, [...(this.lines.get(id) ?? []), line]);
    this.lastWords.delete(id);
  }

  /** As clouds do: a disk is attached once. @throws ProviderError `conflict`. */
  private assertMayHold(spec: EnvironmentSpec, about: Readonly<Record<string, Instances>>): void {
    for (const [name, { instances }] of Object.entries(spec.services)) {
      if ((about[name] ?? this.scaled.get(spec.id)?.[name] ?? instances).max === 0) continue;
      for (const volume of disksOf(spec, name)) {
        const other = this.holdersOf(volume).find((one) => !one.startsWith(`${spec.id}/`));
        if (other === undefined) continue;
        this.onTwoHolders(volume, other, `${spec.id}/${name}`);
        throw new ProviderError('conflict', `volume ${volume} is held by ${other}`, { effect: 'none' });
      }
    }
  }
}

function disksOf({ services }: EnvironmentSpec, name: string): readonly string[] {
  const mounts = Object.values(services[name]?.mounts ?? {});
  return mounts.filter(({ volume }) => volume.kind === 'disk').map(({ volume }) => volume.id);
}
