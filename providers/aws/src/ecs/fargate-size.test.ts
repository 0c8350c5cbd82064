import { expect, test } from '@jest/globals';
import { fargateSize, mustHaveSize } from './fargate-size.ts';

test.each([
  [0.05, 8, { cpu: 256, memory: 512 }],
  [0.25, 513, { cpu: 256, memory: 1024 }],
  [0.5, 1024, { cpu: 512, memory: 1024 }],
  [0.25, 3000, { cpu: 512, memory: 3072 }],
  [1, 512, { cpu: 1024, memory: 2048 }],
  [2.5, 8192, { cpu: 4096, memory: 8192 }],
  [8, 62_000, { cpu: 16384, memory: 65_536 }],
  [16, 122_880, { cpu: 16384, memory: 122_880 }],
])('%d CPUs with %d MiB run on the next size that is sold', (cpus, memoryMiB, size) => {
  expect(fargateSize(cpus, memoryMiB)).toEqual(size);
});

test('what Fargate does not sell is refused, with what it does', () => {
  expect(() => mustHaveSize('web', 17, 512)).toThrow(
    expect.objectContaining({
      code: 'invalid',
      detail: expect.objectContaining({
        path: 'services.web',
        hint: expect.stringContaining('0.25 CPU with 0.5–2 GiB'),
      }),
    }),
  );
});
