import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Engine } from './engine.ts';
import { AS_ROOT, INIT, SUDO, SYSTEMCTL, SYSTEMD_RUN } from './machine-program.ts';

const run = promisify(execFile);
/** Of this machine's system, as it is: a machine may not change it. */
const SYSTEM = ['/usr/bin', '/usr/sbin', '/usr/lib', '/usr/lib64', '/usr/share', '/etc/alternatives'];
const FOLDERS = [
  'dev',
  'etc/systemd/system',
  'home/ssm-user',
  'opt',
  'proc',
  'root',
  'run',
  'sys',
  'tmp',
  'usr/local/bin',
  'usr/local/lib',
  'var/log',
];
const ACCOUNTS = {
  passwd:
    'root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\nssm-user:x:1001:1001::/home/ssm-user:/bin/bash\n',
  group: 'root:x:0:\nnogroup:x:65534:\nssm-user:x:1001:\n',
};

/** What a machine is started from. */
export interface MachineImage {
  readonly name: string;
  /** Of folders of this machine, each at its own place. */
  readonly binds: readonly string[];
}

/**
 * A machine of this machine's own system: Debian with Python, the AWS CLI of the PATH and the Node.js that runs this. The image holds what is
 * a machine's own, and stays on the engine.
 */
export async function ensureMachineImage(engine: Engine): Promise<MachineImage> {
  const cli = await awsCli();
  const aws = `#!/bin/sh\nexec ${cli.program} "$@"\n`;
  const programs = { 'machine-init': INIT, systemctl: SYSTEMCTL, 'systemd-run': SYSTEMD_RUN, sudo: SUDO, aws };
  const id = createHash('sha256')
    .update(JSON.stringify([programs, FOLDERS, ACCOUNTS]))
    .digest('hex')
    .slice(0, 12);
  const name = `aws-data-plane/machine:${id}`;
  if (!(await engine.hasImage(name))) await importImage(name, programs);
  const node = `${realpathSync(process.execPath)}:/usr/local/bin/node:ro`;
  return { name, binds: [...[...SYSTEM, ...cli.folders].map((folder) => `${folder}:${folder}:ro`), node] };
}

async function importImage(name: string, programs: Readonly<Record<string, string>>): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'machine-image-'));
  try {
    for (const each of FOLDERS) mkdirSync(path.join(folder, each), { recursive: true });
    for (const top of ['bin', 'sbin', 'lib', 'lib64']) symlinkSync(`usr/${top}`, path.join(folder, top));
    for (const [file, text] of Object.entries(ACCOUNTS)) writeFileSync(path.join(folder, 'etc', file), text);
    for (const [file, text] of Object.entries(programs))
      writeFileSync(path.join(folder, 'usr/local/bin', file), text, { mode: 0o755 });
    copyFileSync(realpathSync('/usr/bin/python3'), path.join(folder, AS_ROOT));
    await run('sh', [
      '-c',
      `chmod 4755 "$0${AS_ROOT}" && chmod 1777 "$0/tmp" && tar -C "$0" --owner 0 --group 0 -c . | docker import - "$1"`,
      folder,
      name,
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** It is a program of Python, in an environment that stands on another one. */
async function awsCli(): Promise<{ readonly program: string; readonly folders: readonly string[] }> {
  const { stdout: found } = await run('sh', ['-c', 'command -v aws']);
  const program = realpathSync(found.trim());
  const ask = 'import sys; print(sys.prefix); print(sys.base_prefix)';
  const python = path.join(path.dirname(program), 'python3');
  const { stdout } = await run(python, ['-c', ask]);
  const folders = stdout.trim().split('\n');
  return { program, folders: [...new Set(folders)].filter((folder) => folder !== '/usr') };
}
