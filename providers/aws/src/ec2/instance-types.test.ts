import { expect, test } from '@jest/globals';
import { instanceType } from './instance-types.ts';

test.each([
  [0.25, 512, 't3.micro'],
  [1, 1024, 't3.small'],
  [2, 4096, 't3.large'],
  [4, 1024, 't3.xlarge'],
  [0.5, 60_000, 'm5.4xlarge'],
  [96, 1024, 'm5.24xlarge'],
])('%d CPUs and %d MiB, beside what the system takes, are on a %s', (cpus, memory, type) => {
  expect(instanceType(cpus, memory)).toBe(type);
});

test('what no machine has is told', () => {
  expect(instanceType(97, 1024)).toBeUndefined();
  expect(instanceType(1, 400_000)).toBeUndefined();
});
