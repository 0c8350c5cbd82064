import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import path from 'node:path';

import type { Sandbox } from './sandbox.ts';

interface Routed {
  readonly handle: { readonly version: string };
  readonly routes: readonly { readonly environment: string; readonly percent: number }[];
  readonly stamp?: string;
}

/** The daemon's socket in somebody's hand, behind the engine's back. */
export class DaemonByHand {
  readonly #socket: string;
  readonly #slots: string;

  constructor({ stateHome, project }: Pick<Sandbox, 'stateHome' | 'project'>) {
    const info: unknown = JSON.parse(readFileSync(path.join(stateHome, 'local', 'daemon.json'), 'utf8'));
    this.#socket = (info as { socket: string }).socket; // written by the daemon
    this.#slots = `/v1/projects/${project}/stages/default/slots`;
  }

  slot(name: string): Promise<Routed> {
    return this.#ask<Routed>('GET', `${this.#slots}/${name}`);
  }

  /** All traffic to the environment that is at this place of the routes now. */
  async send(name: string, place: number): Promise<Routed> {
    const { handle, routes } = await this.slot(name);
    const environment = routes[place]?.environment;
    const body = { version: handle.version, token: 'by-hand', routes: [{ environment, percent: 100 }], stamp: '0' };
    return this.#ask<Routed>('PUT', `${this.#slots}/${name}/routes`, body);
  }

  /** @returns The code of the refusal, if it is one. */
  async destroyEnvironmentBehind(name: string): Promise<string | undefined> {
    const { routes } = await this.slot(name);
    // The key of an environment is its id and a hash of its owner.
    const id = routes[0]?.environment.replace(/-[0-9a-f]{8}$/, '') ?? '';
    const answer = await this.#ask<{ error?: { code: string } }>(
      'DELETE',
      `${this.#slots.replace(/slots$/, 'environments')}/${id}`,
    );
    return answer.error?.code;
  }

  /** Somebody edits the zone: this name leads elsewhere from now on. */
  async moveName(name: string, address: string): Promise<void> {
    const zones = await this.#ask<readonly { id: string; name: string }[]>('GET', '/v1/zones');
    const zone = zones.find((one) => name.endsWith(`.${one.name}`))?.id ?? '';
    const path = `/v1/zones/${encodeURIComponent(zone)}`;
    const [expected] = await this.#ask<readonly object[]>('GET', `${path}/records?name=${name}&type=A`);
    const changes = [{ expected, next: { ...expected, values: [address] } }];
    await this.#ask('POST', `${path}/changes`, { changes });
  }

  #ask<T>(method: string, target: string, body?: object): Promise<T> {
    return new Promise((resolve, reject) => {
      const sent = request({ socketPath: this.#socket, method, path: target, headers: { host: 'daemon' } });
      sent.once('error', reject);
      sent.once('response', (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
        response.once('end', () => resolve(JSON.parse(text) as T));
      });
      sent.end(body && JSON.stringify(body));
    });
  }
}
