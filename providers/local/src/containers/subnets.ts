import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';

/**
 * Where networks go when the engine's own address pools are used up, which are enough for about 30.
 * Of the private addresses, those that the engine does not use by itself.
 * @see https://docs.docker.com/engine/network/#subnet-allocation
 */
const FIRST = 172 * 2 ** 24 + 16 * 2 ** 16;
const BITS = 25;
const SIZE = 2 ** (32 - BITS);
const COUNT = 2 ** 16 / SIZE;

/** A subnet with room for 125 containers that overlaps none of `taken`; for the same name the same one, where it is free. */
export function freeSubnet(name: string, taken: readonly string[]): string | undefined {
  const start = createHash('sha256').update(name).digest().readUInt32BE() % COUNT;
  const used = taken.map(rangeOf).filter((range) => range !== undefined);
  for (let step = 0; step < COUNT; step++) {
    const first = FIRST + ((start + step) % COUNT) * SIZE;
    if (used.every(([from, to]) => to < first || from > first + SIZE - 1)) return `${textOf(first)}/${BITS}`;
  }
  return undefined;
}

/** The subnets that this machine reaches, its VPNs included. Empty where it does not say: not Linux, or an engine in a virtual machine. */
export async function routedSubnets(file = '/proc/net/route'): Promise<string[]> {
  const table = await readFile(file, 'utf8').catch(() => '');
  return table
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [, destination, , , , , , mask] = line.split('\t');
      if (destination === undefined || mask === undefined) return [];
      const bits = Number.parseInt(mask, 16).toString(2).replaceAll('0', '').length;
      // The default route leads everywhere.
      return bits === 0 ? [] : [`${textOf(Buffer.from(destination, 'hex').readUInt32LE())}/${bits}`];
    });
}

/** Where the engine puts this machine in a subnet: its first address. */
export function gatewayOf(subnet: string): string | undefined {
  const range = rangeOf(subnet);
  return range && textOf(range[0] + 1);
}

function rangeOf(subnet: string): [number, number] | undefined {
  const [, a, b, c, d, bits] = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)$/.exec(subnet) ?? [];
  if (bits === undefined) return undefined;
  const address = ((Number(a) * 256 + Number(b)) * 256 + Number(c)) * 256 + Number(d);
  const size = 2 ** (32 - Number(bits));
  const first = Math.floor(address / size) * size;
  return [first, first + size - 1];
}

function textOf(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
}
