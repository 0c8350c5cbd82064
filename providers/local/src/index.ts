import { defineProvider } from '@clusternator/core/provider';
import { z } from 'zod';
import { capabilities } from './capabilities.ts';
import { check } from './check.ts';
import { errorOf } from './errors.ts';

const config = z
  .strictObject({})
  .describe(
    'No keys. The daemon listens where CLUSTERNATOR_LOCAL_PORT and CLUSTERNATOR_LOCAL_DNS_PORT say, and looks every CLUSTERNATOR_LOCAL_EXPIRY_SECONDS (30) for environments that are past their ttl.',
  );

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
      const [{ LocalEnvironments }, { DaemonClient }] = await Promise.all([
        import('./environments.ts'),
        import('./client/daemon-client.ts'),
      ]);
      return new LocalEnvironments(host, new DaemonClient(host));
    },
    slots: async ({ host }) => {
      const [{ LocalSlots }, { DaemonClient }] = await Promise.all([
        import('./slots.ts'),
        import('./client/daemon-client.ts'),
      ]);
      return new LocalSlots(host, new DaemonClient(host));
    },
    storage: async ({ host }) => {
      const [{ LocalStorage }, { DaemonClient }] = await Promise.all([
        import('./storage.ts'),
        import('./client/daemon-client.ts'),
      ]);
      return new LocalStorage(host, new DaemonClient(host));
    },
    dns: async ({ host }) => {
      const [{ localDns }, { DaemonClient }] = await Promise.all([
        import('./dns.ts'),
        import('./client/daemon-client.ts'),
      ]);
      const closed = new AbortController();
      host.onClose(() => {
        closed.abort();
      });
      return localDns(new DaemonClient(host), closed.signal);
    },
  },
});

// Not in one with the above: TypeScript 6 does not rewrite the imports inside of an `export default` expression.
export default provider;
