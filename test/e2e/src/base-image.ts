import { execFileSync } from 'node:child_process';

/** The base of the examples' images, made as docs/examples/docker-service/README.md says. It stays, for the next run. */
export function ensureBaseImage(): void {
  try {
    execFileSync('docker', ['image', 'inspect', 'clusternator/example-base:1'], { stdio: 'ignore' });
  } catch {
    execFileSync('sh', ['-c', 'tar -C / -c bin/busybox | docker import - clusternator/example-base:1'], {
      stdio: 'ignore',
    });
  }
}
