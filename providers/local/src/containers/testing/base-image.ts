import { execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, copyFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import Docker from 'dockerode';

/** A shell and all of busybox in /bin, found by PATH. As PID 1 it takes no SIGTERM: `STOPSIGNAL SIGKILL`, or a grace of 0. */
export const TEST_BASE = 'clusternator-test/busybox:1';
/** What the Dockerfile of docs/examples starts from: /bin/busybox and nothing else. */
export const EXAMPLE_BASE = 'clusternator/example-base:1';

const BUSYBOX = '/bin/busybox';
const run = promisify(execFile);

/** Made once for all tests of a machine, without a registry: from its own static busybox. */
export async function ensureTestBase(docker = new Docker()): Promise<string> {
  if (await exists(docker, TEST_BASE)) return TEST_BASE;
  const folder = await mkdtemp(join(tmpdir(), 'clusternator-base-'));
  try {
    await Promise.all(['bin', 'tmp', 'www'].map((name) => mkdir(join(folder, name))));
    await copyFile(BUSYBOX, join(folder, 'bin/busybox'));
    const { stdout } = await run(BUSYBOX, ['--list']);
    const applets = stdout.split('\n').filter((name) => name !== '' && name !== 'busybox');
    await Promise.all(applets.map((name) => symlink('busybox', join(folder, 'bin', name))));
    await importImage(docker, ['-C', folder, '-c', '.'], TEST_BASE, ['ENV PATH=/bin', 'CMD ["/bin/sh"]']);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return TEST_BASE;
}

/** `tar -C / -c bin/busybox | docker import - clusternator/example-base:1`, where it is not there yet. */
export async function ensureExampleBase(docker = new Docker()): Promise<string> {
  if (!(await exists(docker, EXAMPLE_BASE)))
    await importImage(docker, ['-C', '/', '-c', 'bin/busybox'], EXAMPLE_BASE, []);
  return EXAMPLE_BASE;
}

async function exists(docker: Docker, image: string): Promise<boolean> {
  try {
    await docker.getImage(image).inspect();
    return true;
  } catch (error) {
    if (error instanceof Error && 'statusCode' in error && error.statusCode === 404) return false;
    throw error;
  }
}

async function importImage(
  docker: Docker,
  tarArguments: readonly string[],
  image: string,
  changes: readonly string[],
): Promise<void> {
  const tar = spawn('tar', tarArguments, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [repo, tag] = image.split(':');
  const answer = await docker.importImage(tar.stdout, { repo, tag, changes });
  for await (const chunk of answer) {
    const text = String(chunk);
    if (text.includes('"error"')) throw new Error(`could not import ${image}: ${text}`);
  }
}
