import { ProviderError } from '@clusternator/core/provider';

const GIB = 1024;
const UNITS_A_CPU = 1024;

/** Memory that goes with a number of CPU units, in MiB.
 *  @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html#fargate-tasks-size */
const SIZES: readonly { readonly cpu: number; readonly memories: readonly number[] }[] = [
  { cpu: 256, memories: [512, GIB, 2 * GIB] },
  { cpu: 512, memories: steps(1, 4, 1) },
  { cpu: 1024, memories: steps(2, 8, 1) },
  { cpu: 2048, memories: steps(4, 16, 1) },
  { cpu: 4096, memories: steps(8, 30, 1) },
  { cpu: 8192, memories: steps(16, 60, 4) },
  { cpu: 16384, memories: steps(32, 120, 8) },
];

/** In CPU units and MiB, as a task definition takes them. */
export interface FargateSize {
  readonly cpu: number;
  readonly memory: number;
}

/**
 * The smallest size that has at least as much of both. Undefined: Fargate sells none.
 * CPUs come before memory, since they cost more.
 */
export function fargateSize(cpus: number, memoryMiB: number): FargateSize | undefined {
  for (const { cpu, memories } of SIZES) {
    const memory = memories.find((each) => each >= memoryMiB);
    if (cpu >= cpus * UNITS_A_CPU && memory !== undefined) return { cpu, memory };
  }
  return undefined;
}

/** @throws ProviderError `invalid`, with what there is. */
export function mustHaveSize(service: string, cpus: number, memoryMiB: number): FargateSize {
  const size = fargateSize(cpus, memoryMiB);
  if (size) return size;
  throw new ProviderError('invalid', `service ${service}: ${noSuchSize(cpus, memoryMiB)}`, {
    path: `services.${service}`,
    hint: SOLD,
  });
}

export function noSuchSize(cpus: number, memoryMiB: number): string {
  return `Fargate has no task with ${String(cpus)} CPUs and ${String(memoryMiB)} MiB`;
}

/** What there is, for people. */
export const SOLD = `it sells ${SIZES.map(({ cpu, memories }) => {
  const [least = 0, most = 0] = [memories[0], memories.at(-1)];
  return `${String(cpu / UNITS_A_CPU)} CPU with ${String(least / GIB)}–${String(most / GIB)} GiB`;
}).join(', ')}`;

function steps(from: number, to: number, step: number): readonly number[] {
  return Array.from({ length: (to - from) / step + 1 }, (_, at) => (from + at * step) * GIB);
}
