import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile, readlink } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const exec = promisify(execFile);

export interface RunningProcess {
  readonly pid: number;
  readonly command: string;
}

/** Processes that were started from or know of a folder: by their environment, arguments or working directory. */
export async function processesOf(folder: string): Promise<readonly RunningProcess[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(pids.map(async (pid) => ((await knows(pid, folder)) ? pid : undefined)));
  const mine = found.filter((pid) => pid !== undefined && pid !== process.pid);
  return Promise.all(
    mine.map(async (pid) => ({
      pid: pid!,
      command: (await read(`/proc/${pid}/cmdline`)).replaceAll('\0', ' ').trim(),
    })),
  );
}

/** What is on the Docker Engine of a project: containers, networks, volumes and images, each by name. */
export async function engineLeftovers(project: string): Promise<readonly string[]> {
  const label = ['--filter', `label=clusternator_project=${project}`];
  const lists = [
    ['container', 'ls', '--all', ...label, '--format', 'container {{.Names}}'],
    ['network', 'ls', ...label, '--format', 'network {{.Name}}'],
    ['volume', 'ls', ...label, '--format', 'volume {{.Name}}'],
    ['image', 'ls', '--all', ...label, '--format', 'image {{.Repository}}:{{.Tag}} {{.ID}}'],
    ['image', 'ls', '--format', 'image {{.Repository}}:{{.Tag}}'],
  ];
  const found: string[] = [];
  for (const [index, list] of lists.entries()) {
    const { stdout } = await exec('docker', list);
    const lines = stdout.split('\n').filter(Boolean);
    found.push(...(index === lists.length - 1 ? lines.filter((line) => line.includes(project)) : lines));
  }
  return found.sort();
}

/** Takes a project's containers, networks, volumes and images off the engine, whatever state they are in. */
export async function removeFromEngine(project: string): Promise<void> {
  const label = ['--filter', `label=clusternator_project=${project}`];
  const removals = [
    { list: ['container', 'ls', '--all', '--quiet', ...label], remove: ['container', 'rm', '--force', '--volumes'] },
    { list: ['network', 'ls', '--quiet', ...label], remove: ['network', 'rm'] },
    { list: ['volume', 'ls', '--quiet', ...label], remove: ['volume', 'rm', '--force'] },
    { list: ['image', 'ls', '--all', '--quiet', ...label], remove: ['image', 'rm', '--force'] },
  ];
  for (const { list: listing, remove } of removals) {
    const { stdout } = await exec('docker', listing);
    const ids = new Set(stdout.split('\n').filter(Boolean));
    if (ids.size > 0) await exec('docker', [...remove, ...ids]);
  }
}

/** Files of environments in a state folder: all that has to be gone when no environment is left. */
export async function fileLeftovers(stateHome: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const folder of ['scratch', 'artefacts/incoming', 'local/environments', 'local/volumes']) {
    for (const name of await list(path.join(stateHome, folder))) found.push(`${folder}/${name}`);
  }
  for (const name of await list(path.join(stateHome, 'artefacts'))) {
    if (name !== 'incoming' && !name.startsWith('artefacts.db')) found.push(`artefacts/${name}`);
  }
  for (const name of await list(path.join(stateHome, 'mirrors'))) {
    found.push(`mirrors/${name}`);
  }
  for (const project of await list(path.join(stateHome, 'projects'))) {
    const logs = path.join('projects', project, 'logs');
    for (const name of await list(path.join(stateHome, logs))) found.push(`${logs}/${name}`);
  }
  return found;
}

/** Ends the processes of a folder by their ids; for the end of a test that went wrong. */
export async function endProcessesOf(folder: string): Promise<void> {
  for (const { pid } of await processesOf(folder)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by itself in the meantime.
    }
  }
}

async function knows(pid: number, folder: string): Promise<boolean> {
  const [environment, command, directory, state] = await Promise.all([
    read(`/proc/${pid}/environ`),
    read(`/proc/${pid}/cmdline`),
    readlink(`/proc/${pid}/cwd`).catch(() => ''),
    read(`/proc/${pid}/stat`),
  ]);
  if (state.includes(') Z ')) return false; // ended, and only waits to be asked for its exit code
  return [environment, command, directory].some((text) => text.includes(folder));
}

async function read(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(() => '');
}

async function list(folder: string): Promise<readonly string[]> {
  return existsSync(folder) ? readdir(folder) : [];
}
