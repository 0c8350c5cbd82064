import { expect, test } from '@jest/globals';
import { makeHost } from '@clusternator/core/kit';
import { environmentKey, parseServiceName, serviceName } from './names.ts';

const { host } = makeHost({
  project: 'shop',
  stage: 'main',
  env: {},
  now: () => new Date(),
  sleep: () => Promise.resolve(),
  pace: () => Promise.resolve(),
  emit: () => {},
  secret: () => Promise.reject(new Error('there is none')),
  folder: () => Promise.reject(new Error('there is none')),
});

test.each(['1a2b3c4d5e6f-1', '1a2b3c4d5e6f-production-0123456789ab-12'])(
  'names of %s begin as permissions say, fit a target group, and are those of their kind alone',
  (id) => {
    const [container, machine] = [environmentKey(host, id), environmentKey(host, id, 'vm')];
    expect(machine).not.toBe(container);
    for (const key of [container, machine]) {
      const name = serviceName(key, 9);
      expect(name).toMatch(/^clusternator-[a-z0-9-]{1,17}-\d$/);
      expect(parseServiceName(name)).toEqual({ key, at: 9 });
    }
  },
);
