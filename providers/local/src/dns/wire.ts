import { isIPv4, isIPv6 } from 'node:net';

/** A record's data in both forms. Two values are the same when their `wire` is. */
export interface Rdata {
  readonly text: string;
  readonly wire: Buffer;
}

/** A canonical name on the wire, not compressed. */
export function wireName(name: string): Buffer {
  const labels = name === '' ? [] : name.split('.');
  return Buffer.concat([
    ...labels.map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label, 'latin1')])),
    Buffer.from([0]),
  ]);
}

/** Bytes of an address. */
export function addressBytes(address: string): Buffer | undefined {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  return isIPv6(address) && !address.includes('%') ? ipv6Bytes(address) : undefined;
}

function ipv6Bytes(address: string): Buffer {
  // The last 32 bits may be written as an IPv4 address (RFC 4291 §2.2).
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(address);
  const four = dotted?.[2] === undefined ? undefined : Buffer.from(dotted[2].split('.').map(Number)).toString('hex');
  const groups = four === undefined ? address : `${dotted?.[1] ?? ''}${four.slice(0, 4)}:${four.slice(4)}`;
  const [left = '', right] = groups.split('::');
  const head = left === '' ? [] : left.split(':');
  const tail = right === undefined || right === '' ? [] : right.split(':');
  const middle = Array.from({ length: 8 - head.length - tail.length }, () => '0');
  return Buffer.from([...head, ...middle, ...tail].map((group) => group.padStart(4, '0')).join(''), 'hex');
}
