import { defineProvider, type Host } from '@clusternator/core/provider';
import { z } from 'zod';
import { capabilities } from './capabilities.ts';
import { check } from './check.ts';
import type { DaemonClient } from './client/daemon-client.ts';
import { errorOf } from './errors.ts';

const config = z
  .strictObject({})
  .describe(
    'No keys. The daemon listens where CLUSTERNATOR_LOCAL_PORT and CLUSTERNATOR_LOCAL_DNS_PORT say, and looks every CLUSTERNATOR_LOCAL_EXPIRY_SECONDS (30) for environments that are past their ttl.',
  );

/** One for all drivers of a connection: they look for the daemon once. */
const clients = new WeakMap<Host, DaemonClient>();

async function clientOf(host: Host): Promise<DaemonClient> {
  const { DaemonClient } = await import('./client/daemon-client.ts');
  const client = clients.get(host) ?? new DaemonClient(host);
  clients.set(host, client);
  return client;
}

/** This machine: containers, processes and static sites, with a proxy and DNS of its own. The host imports a provider's default export. */
const provider = defineProvider({
  id: 'local',
  domain: 'localhost',
  config,
  examples: { machine: {} },
  capabilities: () => capabilities,
  check,
  permissions: () => [],
  errorOf,
  drivers: {
    environments: async ({ host }) => {
      const [{ LocalEnvironments }, client] = await Promise.all([import('./environments.ts'), clientOf(host)]);
      return new LocalEnvironments(host, client);
    },
    slots: async ({ host }) => {
      const [{ LocalSlots }, client] = await Promise.all([import('./slots.ts'), clientOf(host)]);
      return new LocalSlots(host, client);
    },
    storage: async ({ host }) => {
      const [{ LocalStorage }, client] = await Promise.all([import('./storage.ts'), clientOf(host)]);
      return new LocalStorage(host, client);
    },
    dns: async ({ host }) => {
      const [{ localDns }, client] = await Promise.all([import('./dns.ts'), clientOf(host)]);
      const closed = new AbortController();
      host.onClose(() => {
        closed.abort();
      });
      return localDns(client, closed.signal);
    },
  },
});

// Not in one with the above: TypeScript 6 does not rewrite the imports inside of an `export default` expression.
export default provider;
