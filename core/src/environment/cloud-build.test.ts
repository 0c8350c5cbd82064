import 'reflect-metadata';
import { expect, test } from '@jest/globals';
import { container } from 'tsyringe';
import type { ImageBuildSpec, ImageDriver } from '../artefact/images.ts';
import { projectConfigSchema } from '../config/schema.ts';
import { startOperation } from '../engine/operation.ts';
import type { BoundProvider } from '../host/drivers.ts';
import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import { IMAGES } from '../provider/tokens.ts';
import { World } from '../slot/testing/world.ts';
import { buildArtefacts, engineServices, keptImages } from './build.ts';
import { removeImages } from './leave-nothing.ts';

const PUSHED = `registry.test/shop@sha256:${'2'.repeat(64)}`;

/** A cloud that builds, and writes down what it is asked for. No Docker Engine is in reach. */
function scene(
  build: (spec: ImageBuildSpec, onOutput: (line: string) => void) => Promise<void> = async () => undefined,
) {
  const world = new World();
  const asked: string[] = [];
  const specs: ImageBuildSpec[] = [];
  const said: string[] = [];
  const images: ImageDriver = {
    repository: () => Promise.reject(new Error('nothing is pushed from here')),
    destroy: async ({ reference }) => void asked.push(`destroy ${reference}`),
    build: async (spec, onOutput, call) => {
      asked.push(`build ${spec.service} by ${call.token()}`);
      specs.push(spec);
      await build(spec, onOutput);
      return { kind: 'image', reference: PUSHED };
    },
    discard: async ({ environment, service }) => void asked.push(`discard ${service} of ${environment}`),
  };
  const scope = container.createChildContainer();
  scope.register(IMAGES, { useValue: () => Promise.resolve(images) });
  const plain = world.process();
  const session: Session = {
    ...plain,
    docker: () => Promise.reject(new ProviderError('unavailable', 'no Docker Engine answers')),
    bind: async (provider): Promise<BoundProvider> => ({ ...(await plain.bind(provider)), scope }),
    redact: (text) => text.replaceAll('hunter2', '***'),
    emit: (event) => {
      if (event.type === 'output') said.push(`${event.source}: ${event.text}`);
    },
  };
  const config = projectConfigSchema.parse({
    project: 'shop',
    provider: 'memory',
    services: { api: { build: { context: 'app', on: 'codebuild' } } },
  });
  return { world, session, config, images, asked, specs, said };
}

async function built({ session, config }: ReturnType<typeof scene>, noted: string[] = []) {
  const run = await startOperation(session.operations, { kind: 'create', subject: 'a', input: {} });
  const { services } = await buildArtefacts(run, {
    session,
    config,
    source: { kind: 'files', digest: 'tree', bytes: 1 },
    resourceId: 'a-1',
    owner: 'a',
    commit: 'c'.repeat(40),
    noteImages: async () => void noted.push('images'),
    noteBuild: async (service) => void noted.push(`build of ${service}`),
    notePushed: async (service, { reference }) => void noted.push(`${service} ${reference}`),
  });
  return services;
}

test('the cloud builds from the commit’s files, and no engine is asked; what may be left is written down before', async () => {
  const noted: string[] = [];
  const made = scene(async (_, onOutput) => {
    noted.push('the cloud builds');
    onOutput('Step 1 of hunter2');
  });
  expect(await built(made, noted)).toEqual({ api: { kind: 'image', reference: PUSHED } });
  expect(made.specs).toEqual([
    {
      environment: 'a-1',
      service: 'api',
      source: { kind: 'files', digest: 'tree', bytes: 1 },
      context: 'app',
      dockerfile: 'Dockerfile',
      labels: { clusternator_project: 'shop', clusternator_service: 'api', clusternator_environment: 'a-1' },
    },
  ]);
  expect(noted).toEqual(['build of api', 'the cloud builds', `api ${PUSHED}`]);
  expect(made.said).toEqual(['api: Step 1 of ***']);
});

test('whose answer was lost is asked again, as the same build', async () => {
  let attempts = 0;
  const made = scene(async () => {
    attempts += 1;
    if (attempts === 1) throw new ProviderError('unavailable', 'the answer was lost');
  });
  await made.world.clock.run(built(made));
  expect(made.asked).toHaveLength(2);
  expect(new Set(made.asked).size).toBe(1);
});

test('a build that failed is told, without secrets, and is not made again', async () => {
  const made = scene(async () => {
    throw new ProviderError('unhealthy', 'the build of service api failed:\n  hunter2 is wrong', { path: 'p' });
  });
  await expect(built(made)).rejects.toMatchObject({
    code: 'unhealthy',
    message: 'the build of service api failed:\n  *** is wrong',
  });
  expect(made.asked).toHaveLength(1);
});

test('with its environment goes what was built and what was being built, and no engine is asked', async () => {
  const { world, session, asked } = scene();
  await world.environment('a');
  const id = 'a'.repeat(12);
  const document = await world.environmentDocument(id);
  await removeImages(session, { ...document, builds: ['api'], pushed: [PUSHED] });
  expect(asked).toEqual([`discard api of ${id}-${String(document.incarnation)}`, `destroy ${PUSHED}`]);
});

test('nothing is kept on an engine of what the cloud builds', async () => {
  const { session, config } = scene();
  expect(engineServices(config)).toEqual([]);
  expect(keptImages(await session.bind(config.provider), config)).toEqual([]);
});

test('a provider that says it builds, and does not, is told', async () => {
  const made = scene();
  delete made.images.build;
  await expect(built(made)).rejects.toMatchObject({ code: 'unsupported', detail: { path: 'services.api.build.on' } });
});
