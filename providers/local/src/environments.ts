import {
  ProviderError,
  type Call,
  type Environment,
  type EnvironmentDriver,
  type EnvironmentSpec,
  type ExecRequest,
  type ExecSession,
  type Health,
  type Host,
  type Instances,
  type LogLine,
  type LogQuery,
  type ResourceRef,
} from '@clusternator/core/provider';
import { z } from 'zod';
import type { DaemonClient } from './client/daemon-client.ts';
import { ConnectionLost } from './client/wire.ts';
import { environmentBody } from './environment-body.ts';
import {
  environmentViewSchema,
  execViewSchema,
  healthViewSchema,
  logLineSchema,
  type EnvironmentView,
} from './control/views.ts';

type PartHealth = Health['parts'][string];

/** How long one call looks on while the daemon works: core calls again. */
const WATCH_SECONDS = 20;
const goneSchema = z.object({ gone: z.boolean(), message: z.string().optional() });
const nothing = z.unknown();

/** Environments of this machine. The daemon makes them so; this only tells it, and looks on. */
export class LocalEnvironments implements EnvironmentDriver {
  readonly #host: Host;
  readonly #daemon: DaemonClient;

  constructor(host: Host, daemon: DaemonClient) {
    this.#host = host;
    this.#daemon = daemon;
  }

  async ensure(spec: EnvironmentSpec, call: Call): Promise<Environment> {
    let view = await this.#find(spec.id, call);
    if (!view) {
      const body = await environmentBody(this.#host, spec, call);
      view = await this.#daemon.call(environmentViewSchema, {
        method: 'PUT',
        path: this.#path(spec.id),
        body,
        signal: call.signal,
      });
    }
    const until = Date.now() + WATCH_SECONDS * 1000;
    while (view.phase === 'creating' && Date.now() < until) {
      call.progress({ message: progressOf(view) });
      view = await this.#next(view, call);
    }
    return environmentOf(view);
  }

  async read({ id }: ResourceRef, call: Call): Promise<Environment | undefined> {
    const view = await this.#find(id, call);
    return view && environmentOf(view);
  }

  async *list(call: Call): AsyncGenerator<Environment> {
    const views = await this.#daemon.call(z.array(environmentViewSchema), {
      method: 'GET',
      path: this.#path(),
      signal: call.signal,
    });
    yield* views.map(environmentOf);
  }

  async destroy({ id }: ResourceRef, call: Call): Promise<void> {
    const path = `${this.#path(id)}?waitSeconds=${String(WATCH_SECONDS)}`;
    const { gone, message } = await this.#daemon.call(goneSchema, { method: 'DELETE', path, signal: call.signal });
    if (gone || message === undefined) return;
    throw new ProviderError('unavailable', `environment ${id} is not gone yet: ${message}`, {
      retry: 'safe',
      effect: 'applied',
    });
  }

  async health({ id }: Environment, call: Call): Promise<Health> {
    const view = await this.#daemon.call(healthViewSchema, {
      method: 'GET',
      path: `${this.#path(id)}/health`,
      signal: call.signal,
    });
    const parts = Object.entries(view.parts).map(([name, { healthy, instances, message }]): [string, PartHealth] => [
      name,
      { healthy, ...(instances !== undefined && { instances }), ...(message !== undefined && { message }) },
    ]);
    return {
      healthy: view.healthy,
      parts: Object.fromEntries(parts),
      observedAt: new Date(view.observedAt),
      ...(view.lastRequestAt !== undefined && { lastRequestAt: new Date(view.lastRequestAt) }),
    };
  }

  /** Goes on where it was when the daemon is restarted in between. */
  async *logs({ id }: Environment, query: LogQuery, call: Call): AsyncGenerator<LogLine> {
    let { after } = query;
    for (;;) {
      const parameters = new URLSearchParams({
        follow: String(query.follow),
        ...(query.services && { services: query.services.join(',') }),
        ...(query.since && { since: query.since.toISOString() }),
        ...(after !== undefined && { after }),
      });
      const path = `${this.#path(id)}/logs?${parameters.toString()}`;
      try {
        for await (const line of this.#daemon.lines(logLineSchema, { method: 'GET', path, signal: call.signal })) {
          after = line.cursor;
          yield { ...line, at: new Date(line.at) };
        }
        return;
      } catch (error) {
        if (!(error instanceof ConnectionLost)) throw error;
        await this.#host.sleep(0.1, call);
      }
    }
  }

  async scale({ id }: Environment, instances: Readonly<Record<string, Instances>>, call: Call): Promise<void> {
    const path = `${this.#path(id)}/scale`;
    await this.#daemon.call(nothing, { method: 'POST', path, body: { instances }, signal: call.signal });
  }

  async exec({ id }: Environment, request: ExecRequest, call: Call): Promise<ExecSession> {
    const where = await this.#daemon.call(execViewSchema, {
      method: 'POST',
      path: `${this.#path(id)}/exec`,
      body: { service: request.service },
      signal: call.signal,
    });
    if (where.kind === 'process') {
      const { execProcess } = await import('./exec-process.ts');
      return execProcess(request, where, call.signal);
    }
    const { ContainerRuntime } = await import('./containers/runtime.ts');
    const runtime = new ContainerRuntime({ home: where.home, env: this.#host.env });
    return runtime.exec(where.container, request, call.signal);
  }

  async #find(id: string, call: Call): Promise<EnvironmentView | undefined> {
    try {
      return await this.#daemon.call(environmentViewSchema, {
        method: 'GET',
        path: this.#path(id),
        signal: call.signal,
      });
    } catch (error) {
      if (ProviderError.is(error) && error.code === 'not-found') return undefined;
      throw error;
    }
  }

  /** Once something changed, or soon after. */
  #next({ id, revision }: EnvironmentView, call: Call): Promise<EnvironmentView> {
    const path = `${this.#path(id)}?revision=${String(revision)}&waitSeconds=5`;
    return this.#daemon.call(environmentViewSchema, { method: 'GET', path, signal: call.signal });
  }

  #path(id?: string): string {
    const { project, stage } = this.#host;
    const all = `/v1/projects/${encodeURIComponent(project)}/stages/${encodeURIComponent(stage)}/environments`;
    return id === undefined ? all : `${all}/${encodeURIComponent(id)}`;
  }
}

function environmentOf({ revision: _, address, parts, message, url, ...view }: EnvironmentView): Environment {
  return {
    ...view,
    ...(message !== undefined && { message }),
    ...(url !== undefined && { url }),
    address: { type: 'A', value: address },
    parts: Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, partOf(part)])),
  };
}

function partOf({ phase, url, digest, message }: EnvironmentView['parts'][string]): Environment['parts'][string] {
  return {
    phase,
    ...(url !== undefined && { url }),
    ...(digest !== undefined && { digest }),
    ...(message !== undefined && { message }),
  };
}

function progressOf({ parts }: EnvironmentView): string {
  const waiting = Object.entries(parts).filter(([, part]) => part.phase === 'creating');
  return waiting.map(([name, part]) => `${name} ${part.message?.split('\n')[0] ?? 'is being made'}`).join(', ');
}
