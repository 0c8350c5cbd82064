import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';

import type { Place, PostgresProject } from './postgres.ts';

const exec = promisify(execFile);
const LOOK_EVERY_MS = 5;

/** Looks from now on whether a server is stopped or paused. @returns To be asked in the end: what was. */
export async function watchStops(
  project: PostgresProject,
  place: Place,
  environment: string,
): Promise<() => Promise<readonly string[]>> {
  if (place === 'container') return watchPauses(project);
  const server = await project.script(environment, 'head -n 1 data/pg/postmaster.pid');
  const stopped = new Set<string>();
  const timer = setInterval(() => {
    for (const pid of [server, ...childrenOf(server)]) if (isStopped(pid)) stopped.add(pid);
  }, LOOK_EVERY_MS);
  return () => {
    clearInterval(timer);
    return Promise.resolve([...stopped]);
  };
}

/** The engine tells each pause. */
function watchPauses({ sandbox }: PostgresProject): () => Promise<readonly string[]> {
  const since = String(Date.now() / 1000);
  return async () => {
    const filters = ['--filter', 'event=pause', '--filter', `label=clusternator_project=${sandbox.project}`];
    const span = ['--since', since, '--until', String(Date.now() / 1000)];
    const { stdout } = await exec('docker', ['events', ...span, ...filters, '--format', '{{.Actor.ID}}']);
    return stdout.split('\n').filter(Boolean);
  };
}

function childrenOf(pid: string): readonly string[] {
  return read(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean);
}

function isStopped(pid: string): boolean {
  return /\) [Tt] /.test(read(`/proc/${pid}/stat`));
}

/** Its process may be gone. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
