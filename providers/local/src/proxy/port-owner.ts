import { readdir, readFile, readlink } from 'node:fs/promises';

/** Who listens on a TCP port: `node (pid 4711)`. Linux tells for processes of the same user; nothing where it can't be found out. */
export async function portOwner(port: number): Promise<string | undefined> {
  const sockets = new Set<string>();
  for (const file of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const inode of await listeningInodes(file, port)) sockets.add(`socket:[${inode}]`);
  }
  if (sockets.size === 0) return undefined;
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    if (!(await holdsOneOf(pid, sockets))) continue;
    const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => 'process');
    return `${name.trim()} (pid ${pid})`;
  }
  return undefined;
}

async function listeningInodes(file: string, port: number): Promise<string[]> {
  const table = await readFile(file, 'utf8').catch(() => '');
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  // sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode (proc_pid_net(5)); 0A is LISTEN.
  return table
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[1]?.endsWith(suffix) === true && fields[3] === '0A')
    .flatMap((fields) => (fields[9] === undefined ? [] : [fields[9]]));
}

async function holdsOneOf(pid: string, sockets: ReadonlySet<string>): Promise<boolean> {
  const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => []);
  const links = await Promise.all(descriptors.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')));
  return links.some((link) => sockets.has(link));
}
