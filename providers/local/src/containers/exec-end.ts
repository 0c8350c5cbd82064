import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Exec } from 'dockerode';
import type { Engine } from './engine.ts';

const GRACE_MS = 2000;
/** A shell with a terminal takes no SIGTERM, but hangs up. */
const POLITE = ['SIGHUP', 'SIGTERM'] as const;

/**
 * Ends the process of a command that nobody waits for any more. The engine has no call for that: it tells the process's number,
 * which is signalled from here where this user may, or by the container's own `kill`.
 */
export async function endProcess(engine: Engine, exec: Exec, container: string): Promise<void> {
  const signal = AbortSignal.timeout(4 * GRACE_MS);
  const running = async () => {
    const { Running, Pid } = await engine.call('end a command', signal, () => exec.inspect());
    return Running ? Pid : undefined;
  };
  const pid = await running();
  if (pid === undefined || !(await isOf(pid, container))) return;
  for (const name of POLITE) await send(engine, container, pid, name, signal);
  for (const end = Date.now() + GRACE_MS; Date.now() < end;) {
    if ((await running()) === undefined) return;
    await sleep(50);
  }
  if (await isOf(pid, container)) await send(engine, container, pid, 'SIGKILL', signal);
}

/** The engine may be in a virtual machine, and the number another process's here. */
async function isOf(pid: number, container: string): Promise<boolean> {
  const groups = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '');
  return groups.includes(container);
}

async function send(
  engine: Engine,
  container: string,
  pid: number,
  name: (typeof POLITE)[number] | 'SIGKILL',
  signal: AbortSignal,
): Promise<void> {
  try {
    // The engine makes it the leader of a group: what it started goes with it.
    process.kill(-pid, name);
  } catch {
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    const inside = /^NSpid:.*\s(\d+)$/m.exec(status)?.[1];
    if (inside === undefined) return;
    await engine.call('end a command', signal, async (docker) => {
      const exec = await docker.getContainer(container).exec({ Cmd: ['kill', `-${name.slice(3)}`, `-${inside}`] });
      await exec.start({ Detach: true });
    });
  }
}
