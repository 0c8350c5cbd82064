import 'reflect-metadata';
import { expect, test } from '@jest/globals';
import { container } from 'tsyringe';
import type { ImageDriver } from '../artefact/images.ts';
import { projectConfigSchema } from '../config/schema.ts';
import { startOperation } from '../engine/operation.ts';
import type { BoundProvider } from '../host/drivers.ts';
import type { ImageBuilder, Session } from '../host/session.ts';
import { IMAGES } from '../provider/tokens.ts';
import { World } from '../slot/testing/world.ts';
import { testCall } from '../state/testing/call.ts';
import { buildArtefacts } from './build.ts';
import { removePushed } from './image-registry.ts';

const COMMIT = 'c'.repeat(40);
const ID = `sha256:${'1'.repeat(64)}`;
const DIGEST = `sha256:${'2'.repeat(64)}`;
const PUSHED = `registry.test/shop@${DIGEST}`;

/** An engine and a registry that write down what they are asked for. */
function scene({ registry }: { readonly registry: 'of the provider' | 'of the config' | 'none' }) {
  const world = new World();
  const asked: string[] = [];
  const images: ImageDriver = {
    repository: async (service) => {
      asked.push(`repository ${service}`);
      return { name: 'registry.test/shop', platform: 'linux/arm64', username: 'u', password: 'p' };
    },
    destroy: async ({ reference }) => void asked.push(`destroy ${reference}`),
  };
  const docker: ImageBuilder = {
    build: async ({ name, platform = 'its own', labels }) => {
      asked.push(`build ${name} for ${platform}`);
      if (labels.clusternator_environment) asked.push(`of ${labels.clusternator_environment} alone`);
      return { kind: 'image', reference: ID };
    },
    pin: async (image) => {
      asked.push(`pin ${image}`);
      return { kind: 'image', reference: ID };
    },
    resolve: async (image) => {
      asked.push(`resolve ${image}`);
      return { kind: 'image', reference: `${image.slice(0, image.lastIndexOf(':'))}@${DIGEST}` };
    },
    push: async (_, { name, username = 'nobody' }, tag) => {
      asked.push(`push ${name}:${tag} as ${username}`);
      return { kind: 'image', reference: `${name}@${DIGEST}` };
    },
    untag: async () => void asked.push('untag'),
  };
  const scope = container.createChildContainer();
  if (registry === 'of the provider') scope.register(IMAGES, { useValue: () => Promise.resolve(images) });
  const plain = world.process();
  const session: Session = {
    ...plain,
    docker: () => Promise.resolve(docker),
    bind: async (provider): Promise<BoundProvider> => ({ ...(await plain.bind(provider)), scope }),
  };
  const config = projectConfigSchema.parse({
    project: 'shop',
    provider: 'memory',
    services: { api: { build: '.' }, job: { image: 'ci.test/shop/job:{sha}' } },
    ...(registry === 'of the config' && { registry: 'team.test/shop' }),
  });
  return { world, session, config, asked };
}

async function build({ session, config }: ReturnType<typeof scene>) {
  const noted: string[] = [];
  const run = await startOperation(session.operations, { kind: 'create', subject: 'a', input: {} });
  const { services } = await buildArtefacts(run, {
    session,
    config,
    source: { kind: 'files', digest: 'tree', bytes: 1 },
    resourceId: 'a-1',
    owner: 'a',
    commit: COMMIT,
    noteImages: async () => void noted.push('images'),
    noteBuild: async (service) => void noted.push(`${service} is built`),
    notePushed: async (service, { reference }) => void noted.push(`${service} ${reference}`),
  });
  await run.finish();
  return { services, noted };
}

test('what is built goes to the registry of the provider by digest, and what CI made is taken from its own', async () => {
  const made = scene({ registry: 'of the provider' });
  const { services, noted } = await build(made);
  expect(services).toEqual({
    api: { kind: 'image', reference: PUSHED },
    job: { kind: 'image', reference: `ci.test/shop/job@${DIGEST}` },
  });
  expect(made.asked).toContain('build api for linux/arm64');
  expect(made.asked).toContain('of a-1 alone');
  expect(made.asked).toContain(`push registry.test/shop:${'1'.repeat(32)} as u`);
  expect(made.asked).toContain(`resolve ci.test/shop/job:${COMMIT}`);
  expect(made.asked.indexOf('untag')).toBeGreaterThan(made.asked.findIndex((one) => one.startsWith('push')));
  expect(noted).toEqual(['images', `api ${PUSHED}`]);
});

test('without one of its own it goes to that of the config', async () => {
  const made = scene({ registry: 'of the config' });
  expect((await build(made)).services.api).toEqual({ kind: 'image', reference: `team.test/shop/api@${DIGEST}` });
  expect(made.asked).toContain(`push team.test/shop/api:${'1'.repeat(32)} as nobody`);
});

test('without any it stays on the engine', async () => {
  const made = scene({ registry: 'none' });
  expect((await build(made)).services.api).toEqual({ kind: 'image', reference: ID });
  expect(made.asked.sort()).toEqual(['build api for its own', `pin ci.test/shop/job:${COMMIT}`]);
});

test('an image goes from the registry with the last environment that needs it', async () => {
  const { world, session, asked } = scene({ registry: 'of the provider' });
  for (const letter of 'ab') await world.environment(letter);
  const [a = '', b = ''] = Array.from('ab', (letter) => letter.repeat(12));
  for (const id of [a, b])
    await world.documents.environments.update(id, (now) => ({ ...now, pushed: [PUSHED] }), testCall());
  await removePushed(session, await world.environmentDocument(a));
  expect(asked).toEqual([]);
  await world.documents.environments.update(a, (now) => ({ ...now, phase: 'gone' }), testCall());
  await removePushed(session, await world.environmentDocument(b));
  expect(asked).toEqual([`destroy ${PUSHED}`]);
});

test('an image stays that an environment runs whose document was lost, and written again', async () => {
  const { world, session, asked } = scene({ registry: 'of the provider' });
  for (const letter of 'ab') await world.environment(letter);
  const [a = '', b = ''] = Array.from('ab', (letter) => letter.repeat(12));
  await world.documents.environments.update(a, (now) => ({ ...now, pushed: [PUSHED] }), testCall());
  await world.documents.environments.update(
    b,
    ({ spec: _, ...now }) => ({
      ...now,
      environment: { id: 'b-1', phase: 'active', handle: {}, parts: { api: { phase: 'active', digest: PUSHED } } },
    }),
    testCall(),
  );
  await removePushed(session, await world.environmentDocument(a));
  expect(asked).toEqual([]);
});
