import { defineProvider, no, yes, type Capabilities, type Permission } from '@clusternator/core/provider';
import { z } from 'zod';
import { CloudClient, errorOf } from './client.ts';
import type { MemoryOutputs } from './foundation.ts';

const config = z.strictObject({
  endpoint: z.url().describe("Where the memory cloud's interface listens"),
  edgePort: z.int().min(1).describe("The port of the memory cloud's load balancer"),
});

const capabilities: Capabilities = {
  'environments.images': no('it runs no images'),
  'environments.processes': yes({ note: 'Node programs, on Linux' }),
  'environments.sites': yes(),
  'environments.paths': yes(),
  'environments.private': yes(),
  'environments.tcp': no('its load balancer speaks HTTP alone'),
  'environments.instances': yes({ limit: 10 }),
  'environments.scale': yes(),
  'environments.address': no('its environments share one load balancer'),
  'environments.traffic': yes(),
  'environments.logHistory': no('logs go with their environment'),
  'environments.exec': no('nothing is run beside a service'),
  'slots.router': yes(),
  'slots.shared': yes(),
  'slots.atomic': yes(),
  'slots.compareAndSet': yes(),
  'slots.weights': yes({ limit: 1 }),
  'slots.hosts': yes({ note: 'by their Host header, without certificates' }),
  'slots.webSockets': no('its load balancer speaks plain HTTP'),
  'storage.files': yes({ limit: 1 }),
  'storage.disks': yes(),
  'storage.databases': no('it has folders alone'),
  'storage.snapshots': yes(),
  'storage.durableSnapshots': yes(),
  'storage.clone': yes(),
  'storage.pointInTime': no('it keeps no history'),
  'storage.grow': yes(),
  'images.build': no('it runs no images'),
  'dns.atomic': yes(),
  'dns.compareAndSet': yes(),
  'dns.alias': yes(),
  'dns.zones': yes(),
};

const all = (action: string, ...verbs: readonly string[]): Permission => ({ action, resource: '*', verbs });

/** The smallest provider that passes everything: the worked example. Its cloud is `MemoryCloud`, over HTTP. */
export const memoryProvider = defineProvider<typeof config, MemoryOutputs>({
  id: 'memory',
  config,
  examples: { machine: { endpoint: 'http://127.0.0.1:7000', edgePort: 7001 } },
  capabilities: () => capabilities,
  permissions: () => [
    all('environments:read', 'env create', 'env show'),
    all('environments:write', 'env create', 'env destroy'),
    all('slots:read', 'slot show'),
    all('slots:write', 'promote', 'rollback'),
    all('storage:read', 'storage list'),
    all('storage:write', 'storage snapshot', 'storage restore'),
    all('zones:read', 'dns list'),
    all('zones:write', 'dns set'),
    all('documents:read', 'env list'),
    all('documents:write', 'env create'),
    all('grounds:read', 'env create', 'foundation show'),
    all('grounds:write', 'env create', 'foundation create', 'foundation destroy'),
  ],
  errorOf,
  drivers: {
    environments: async ({ config: { endpoint, edgePort }, host }) => {
      const { MemoryEnvironments } = await import('./environments.ts');
      return new MemoryEnvironments(host, new CloudClient(endpoint, host), edgePort);
    },
    slots: async ({ config: { endpoint, edgePort }, host }) => {
      const { MemorySlots } = await import('./slots.ts');
      return new MemorySlots(host, new CloudClient(endpoint, host), edgePort);
    },
    storage: async ({ config: { endpoint }, host }) => {
      const { MemoryStorage } = await import('./storage.ts');
      return new MemoryStorage(host, new CloudClient(endpoint, host));
    },
    dns: async ({ config: { endpoint }, host }) => {
      const { MemoryDns } = await import('./dns.ts');
      return new MemoryDns(host, new CloudClient(endpoint, host));
    },
    state: async ({ config: { endpoint }, host }) => {
      const { MemoryState } = await import('./state.ts');
      return new MemoryState(new CloudClient(endpoint, host));
    },
    foundation: async ({ config: { endpoint }, host }) => {
      const { MemoryFoundations } = await import('./foundation.ts');
      return new MemoryFoundations(host, new CloudClient(endpoint, host));
    },
  },
});
