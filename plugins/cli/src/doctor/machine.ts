import { execFile } from 'node:child_process';
import { request } from 'node:http';
import { promisify } from 'node:util';
import type { Check } from './check.ts';

const OLDEST_GIT = [2, 25] as const;
const DOCKER_TIMEOUT_MS = 3000;

/** The start of the bin refuses an older Node, so this tells alone. */
export function nodeCheck(): Check {
  return { name: 'node', state: 'ok', message: `Node.js ${process.version}` };
}

/** git is what commits are read with. */
export async function gitCheck(env: NodeJS.ProcessEnv): Promise<Check> {
  try {
    const { stdout } = await promisify(execFile)('git', ['--version'], { env });
    const version = /(\d+)\.(\d+)[\d.]*/.exec(stdout);
    const [major, minor] = [Number(version?.[1]), Number(version?.[2])];
    const isOld = major < OLDEST_GIT[0] || (major === OLDEST_GIT[0] && minor < OLDEST_GIT[1]);
    if (!isOld) return { name: 'git', state: 'ok', message: stdout.trim() };
    return {
      name: 'git',
      state: 'fail',
      message: `${stdout.trim()} is too old`,
      hint: `install git ${OLDEST_GIT.join('.')} or newer`,
    };
  } catch {
    return {
      name: 'git',
      state: 'fail',
      message: 'git is not installed',
      hint: 'install git: https://git-scm.com/downloads',
    };
  }
}

/** A Docker Engine is needed by services with an image or a Dockerfile alone. */
export async function dockerCheck(env: NodeJS.ProcessEnv): Promise<Check> {
  const host = env.DOCKER_HOST ?? 'unix:///var/run/docker.sock';
  try {
    const version = await askDocker(host);
    return { name: 'docker', state: 'ok', message: `Docker Engine ${version} at ${host}` };
  } catch (error) {
    return {
      name: 'docker',
      state: 'warn',
      message: `no Docker Engine answers at ${host}: ${error instanceof Error ? error.message : String(error)}`,
      hint: 'start it, or set DOCKER_HOST; only services with a build or an image need one',
    };
  }
}

async function askDocker(host: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const signal = AbortSignal.timeout(DOCKER_TIMEOUT_MS);
  request({ ...targetOf(host), path: '/version', signal }, (response) => {
    let body = '';
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => (body += chunk));
    response.on('error', reject);
    response.on('end', () => {
      const version = /"Version"\s*:\s*"([^"]+)"/.exec(body)?.[1];
      if (response.statusCode === 200 && version) resolve(version);
      else reject(new Error(`it answered ${String(response.statusCode)}`));
    });
  })
    .on('error', reject)
    .end();
  return promise;
}

function targetOf(host: string): { socketPath: string } | { host: string; port: number } {
  if (host.startsWith('unix://')) return { socketPath: host.slice('unix://'.length) };
  const url = new URL(host.replace(/^tcp:/, 'http:'));
  return { host: url.hostname, port: Number(url.port || 2375) };
}
