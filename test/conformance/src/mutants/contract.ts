import { yes } from '@clusternator/core';
import { z } from 'zod';
import { memoryEnvironment } from '../memory/environments.ts';
import { memoryProvider } from '../memory/provider.ts';
import { wrong, type Mutant } from './mutant.ts';

const capabilities = memoryProvider.capabilities({ endpoint: 'http://localhost', edgePort: 1 });

export const contractMutants: readonly Mutant[] = [
  {
    id: 'declares-what-it-lacks',
    says: 'says that it runs commands inside of services, and has no such method',
    caughtBy: ['contract/what-is-declared-is-what-there-is'],
    provider: wrong({ provider: { capabilities: () => ({ ...capabilities, 'environments.exec': yes() }) } }),
  },
  {
    id: 'takes-any-config',
    says: 'ignores keys of its config that it does not know',
    caughtBy: ['contract/a-bad-config-is-invalid-with-its-path'],
    provider: wrong({ provider: { config: z.looseObject({ endpoint: z.url(), edgePort: z.int() }) } }),
  },
  {
    id: 'makes-what-it-denies',
    says: 'makes a folder where a database was asked for',
    caughtBy: ['contract/what-is-a-no-is-unsupported'],
    provider: wrong({
      drivers: {
        storage: ({ volumes }) => ({
          volumes: {
            ...{
              read: volumes.read.bind(volumes),
              list: volumes.list.bind(volumes),
              destroy: volumes.destroy.bind(volumes),
            },
            ensure: (spec, call) => volumes.ensure({ ...spec, kind: 'files' }, call),
          },
        }),
      },
    }),
  },
  {
    id: 'plans-by-doing',
    says: 'makes what it is to plan',
    caughtBy: ['contract/a-plan-writes-nothing'],
    provider: wrong({
      drivers: {
        environments: (right) => ({
          plan: async (spec, call) => {
            await right.ensure(spec, call);
            return { changes: [{ action: 'create', what: spec.id }] };
          },
        }),
      },
    }),
  },
  {
    id: 'opens-every-hatch',
    says: "attaches a slot under the environments' key",
    caughtBy: ['contract/the-wrong-escape-hatch-is-undefined'],
    provider: wrong({
      drivers: {
        slots: (right) => ({
          ensure: async (spec, call) => memoryEnvironment.attach(await right.ensure(spec, call), {} as never), // wrong on purpose
        }),
      },
    }),
  },
  {
    id: 'logs-secrets',
    says: 'logs what it sends to the cloud, with the secrets in it',
    caughtBy: ['contract/a-secret-is-told-to-nobody'],
    provider: wrong({
      drivers: {
        environments: (right, host) => ({
          ensure: async (spec, call) => {
            for (const { secrets } of Object.values(spec.services))
              for (const secret of Object.values(secrets))
                host.log('info', 'sends', { value: await host.reveal(secret, call) });
            return right.ensure(spec, call);
          },
        }),
      },
    }),
  },
];
