import 'reflect-metadata';
import { expect, test } from '@jest/globals';
import { container } from 'tsyringe';
import { z } from 'zod';
import { parseConfig } from '../config/parse.ts';
import { yes } from '../provider/capabilities.ts';
import { defineProvider, type ProjectSpec } from '../provider/provider.ts';
import { checkedByProvider } from './project-spec.ts';

test('a provider gets the whole project to check, with its own config, and its problems are told as they are', () => {
  const seen: [ProjectSpec, unknown][] = [];
  const problem = { path: 'services.web', message: 'no such size' };
  const provider = defineProvider({
    id: 'fly',
    domain: 'fly.test',
    config: z.object({ size: z.string() }),
    examples: {},
    capabilities: () => ({}),
    permissions: () => [],
    errorOf: () => undefined,
    drivers: {},
    check: (project, config) => {
      seen.push([project, config]);
      return [problem];
    },
  });
  const parsed = parseConfig({
    project: 'shop',
    provider: 'fly',
    services: { web: { image: 'web:1', port: 80, route: '/', volumes: { data: '/data' }, cpus: 2 } },
    sites: { docs: { dir: 'public', route: '/docs' } },
    volumes: { data: { size: '5Gi', scope: 'project' } },
    slots: { master: {} },
  });
  if ('problems' in parsed) throw new Error(JSON.stringify(parsed.problems));
  const bound = {
    provider,
    config: { size: 'small' },
    capabilities: { 'slots.router': yes() },
    scope: container.createChildContainer(),
  };

  expect(checkedByProvider({ project: 'shop', stage: 'default' }, parsed.config, bound)).toEqual([problem]);

  expect(seen).toEqual([
    [
      {
        environment: expect.objectContaining({
          services: { web: expect.objectContaining({ cpus: 2, artefact: expect.objectContaining({ kind: 'image' }) }) },
          sites: { docs: expect.objectContaining({ route: '/docs' }) },
        }),
        slots: [expect.objectContaining({ id: 'master', parts: { docs: '/docs', web: '/' } })],
        volumes: [expect.objectContaining({ kind: 'files', sizeGiB: 5 })],
      },
      { size: 'small' },
    ],
  ]);
});
