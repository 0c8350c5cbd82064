import { expect, test } from '@jest/globals';
import {
  documentsIn,
  environmentDocumentSchema,
  type EnvironmentDocument,
  type OperationDocument,
} from './documents.ts';
import { memoryStore } from './memory.ts';
import { testCall } from './testing/call.ts';

const call = testCall();
const at = '2026-01-01T00:00:00.000Z';
const environment: EnvironmentDocument = {
  schema: 1,
  id: '1a2b3c4d5e6f@master.ab12',
  commit: '1a2b3c4d5e6f'.padEnd(40, '0'),
  slot: 'master',
  settings: 'ab12',
  incarnation: 1,
  phase: 'creating',
  epoch: 1,
  owner: { operation: '01j' },
  provider: { name: 'local', config: { port: 1 } },
  fingerprint: 'f'.repeat(64),
  hosts: ['1a2b3c4d--shop.localhost'],
  createdAt: at,
  pins: { master: { '01j': 3 } },
};
const operation: OperationDocument = {
  schema: 1,
  id: '01j',
  kind: 'create',
  subject: environment.id,
  input: { any: ['thing'] },
  state: 'running',
  epoch: 1,
  owner: { machine: 'm', boot: 'b', pidNamespace: 'p', pid: 1, started: '2', user: 'ann', host: 'box' },
  heartbeat: 0,
  createdAt: at,
  updatedAt: at,
  steps: [
    {
      id: 'build',
      title: 'Build',
      state: 'done',
      token: 'abc',
      result: { digest: 'sha256:1' },
      startedAt: at,
      endedAt: at,
    },
  ],
};

test('each kind of document has its own keys and comes back as it was', async () => {
  const store = memoryStore();
  const documents = documentsIn(store);
  await documents.environments.create(environment.id, environment, call);
  await documents.operations.create(operation.id, operation, call);
  await documents.projects.create(
    'project',
    { schema: 1, project: 'shop', stage: 'default', repository: '/a b', createdAt: at },
    call,
  );
  const keys: string[] = [];
  for await (const { key } of store.list('', call)) keys.push(key);
  expect(keys).toEqual(['env/1a2b3c4d5e6f@master.ab12', 'op/01j', 'project']);
  expect((await documents.environments.get(environment.id, call))?.document).toEqual(environment);
  expect((await documents.operations.get(operation.id, call))?.document).toEqual(operation);
});

test.each([
  ['a short commit', { commit: '1a2b3c4' }],
  ['an incarnation before the first', { incarnation: 0 }],
  ['a phase that nobody knows', { phase: 'sleeping' }],
  ['a key that nobody knows', { colour: 'red' }],
  ['a date of another kind', { createdAt: 'yesterday' }],
])('%s is no environment document', (_, change) => {
  expect(environmentDocumentSchema.safeParse({ ...environment, ...change }).success).toBe(false);
});

test('ten thousand environments can be listed', async () => {
  const store = memoryStore();
  const { environments } = documentsIn(store);
  for (let n = 0; n < 10_000; n++) {
    const id = n.toString(16).padStart(12, '0');
    await store.put(`env/${id}`, JSON.stringify({ ...environment, id }), null, call);
  }
  let listed = 0;
  for await (const { document } of environments.list(call)) listed += document.incarnation;
  expect(listed).toBe(10_000);
});
