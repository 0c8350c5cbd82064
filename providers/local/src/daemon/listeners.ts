import { readdirSync, readlinkSync } from 'node:fs';
import { readProcFile } from './proc-file.ts';
import type { ProcessEntry } from './process-table.ts';

/** A TCP socket that waits for connections. */
export interface Listener {
  /** As text: `127.0.0.1`, `0.0.0.0`, `::`. */
  readonly host: string;
  readonly port: number;
  readonly inode: string;
}

const LISTENING = '0A';

/** All listening sockets of this machine's network namespace. @see https://docs.kernel.org/networking/proc_net_tcp.html */
export function listeners(): readonly Listener[] {
  return [...parse('/proc/net/tcp'), ...parse('/proc/net/tcp6')];
}

function parse(file: string): readonly Listener[] {
  const text = readProcFile(file) ?? '';
  return text
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
      const [address, port] = local?.split(':') ?? [];
      if (state !== LISTENING || address === undefined || port === undefined || inode === undefined) return [];
      return [{ host: hostOf(address), port: Number.parseInt(port, 16), inode }];
    });
}

/** The kernel prints each 32-bit word of an address in this machine's byte order. */
function hostOf(hex: string): string {
  const words = hex.match(/.{8}/g) ?? [];
  const bytes = words.flatMap((word) => (word.match(/../g) ?? []).reverse()).map((byte) => Number.parseInt(byte, 16));
  const mapped =
    bytes.length === 16 && bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 255 && bytes[11] === 255;
  if (bytes.length === 4 || mapped) return bytes.slice(-4).join('.');
  if (bytes.every((byte) => byte === 0)) return '::';
  if (bytes.slice(0, 15).every((byte) => byte === 0) && bytes[15] === 1) return '::1';
  const groups = Array.from({ length: 8 }, (_, i) =>
    (((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)).toString(16),
  );
  return groups.join(':');
}

/** The inodes of all sockets that these processes have open. */
export function socketsOf(processes: readonly ProcessEntry[]): ReadonlySet<string> {
  const inodes = new Set<string>();
  for (const { pid } of processes) {
    const folder = `/proc/${String(pid)}/fd`;
    for (const name of entriesOf(folder)) {
      const inode = /^socket:\[(\d+)\]$/.exec(linkOf(`${folder}/${name}`) ?? '')?.[1];
      if (inode !== undefined) inodes.add(inode);
    }
  }
  return inodes;
}

function entriesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // ended in between
  }
}

function linkOf(file: string): string | undefined {
  try {
    return readlinkSync(file);
  } catch {
    return undefined;
  }
}
