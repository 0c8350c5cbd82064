/** With their CPUs and memory in GiB, the smallest first. @see https://docs.aws.amazon.com/ec2/latest/instancetypes/gp.html */
const TYPES: readonly (readonly [type: string, cpus: number, gibibytes: number])[] = [
  ['t3.micro', 2, 1],
  ['t3.small', 2, 2],
  ['t3.medium', 2, 4],
  ['t3.large', 2, 8],
  ['t3.xlarge', 4, 16],
  ['t3.2xlarge', 8, 32],
  ['m5.4xlarge', 16, 64],
  ['m5.8xlarge', 32, 128],
  ['m5.12xlarge', 48, 192],
  ['m5.16xlarge', 64, 256],
  ['m5.24xlarge', 96, 384],
];
const MIB = 1024;
/** What the system itself takes of a machine's memory. */
const SYSTEM_MIB = 256;

/** The smallest that has at least as much of both for the service. Undefined: there is none in the list. */
export function instanceType(cpus: number, memoryMiB: number): string | undefined {
  return TYPES.find(([, has, gibibytes]) => has >= cpus && gibibytes * MIB >= memoryMiB + SYSTEM_MIB)?.[0];
}

/** The largest, for people. */
export const LARGEST = TYPES.at(-1)?.[0] ?? '';
