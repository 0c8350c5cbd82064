import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Environment, EnvironmentSpec } from '@clusternator/core/provider';
import { LocalEnvironments } from '../environments.ts';
import { TestDaemon } from './daemon.ts';
import { Specs, testCall, testHost } from './specs.ts';

export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** A daemon and the driver that speaks with it. */
export class Scene {
  readonly daemon: TestDaemon;
  readonly specs: Specs;
  readonly driver: LocalEnvironments;

  constructor(secrets: Readonly<Record<string, string>> = {}, env: Readonly<Record<string, string | undefined>> = {}) {
    this.daemon = new TestDaemon(env);
    this.specs = new Specs(this.daemon.stateFolder);
    this.driver = new LocalEnvironments(testHost(this.specs, this.daemon.env, secrets), this.daemon.client);
  }

  ensure(spec: EnvironmentSpec): Promise<Environment> {
    return this.driver.ensure(spec, testCall());
  }
  read(spec: { readonly id: string }): Promise<Environment | undefined> {
    return this.driver.read(spec, testCall());
  }
  destroy(spec: { readonly id: string }): Promise<void> {
    return this.driver.destroy(spec, testCall());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.daemon[Symbol.asyncDispose]();
  }
}

/** Through the proxy, as a browser would. */
export function get(environment: Environment, target = '/', host?: string): Promise<Answer> {
  const url = new URL(environment.url ?? '');
  const name = host ?? url.host;
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const sent = request({ host: '127.0.0.1', port: url.port, path: target, headers: { host: name }, agent: false });
  sent.once('error', reject);
  sent.once('response', (response) => {
    let text = '';
    response.once('error', reject);
    response.on('data', (piece: Buffer) => (text += piece.toString()));
    response.once('end', () => {
      resolve({ status: response.statusCode ?? 0, text });
    });
  });
  sent.end();
  return promise;
}

/** Polls until it holds, and fails with what it saw last. */
export async function until<T>(look: () => Promise<T> | T, holds: (seen: T) => boolean, seconds = 20): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const seen = await look();
    if (holds(seen)) return seen;
    if (Date.now() > deadline) throw new Error(`it did not come to hold: ${JSON.stringify(seen)}`);
    await sleep(20);
  }
}
