import { randomBytes } from 'node:crypto';
import Docker from 'dockerode';
import type { InstanceSpec, InstanceStatus } from '../instance.ts';
import { ContainerRuntime } from '../runtime.ts';
import { ensureTestBase, TEST_BASE } from './base-image.ts';

/** A runtime on the machine's engine with a home of its own, and what its tests need. */
export interface Harness {
  readonly docker: Docker;
  readonly runtime: ContainerRuntime;
  readonly home: string;
  readonly environment: string;
  readonly network: string;
  readonly signal: AbortSignal;
  /** A container that sleeps, but for what is told. */
  spec(more?: Partial<InstanceSpec>): InstanceSpec;
  /** Runs this shell script. */
  script(text: string, more?: Partial<InstanceSpec>): InstanceSpec;
  nameOf(spec: InstanceSpec): string;
  /** What the status of an instance is once it is so. */
  until(spec: InstanceSpec, isSo: (status: InstanceStatus) => boolean): Promise<InstanceStatus>;
  /** Removes all that was made. */
  close(): Promise<void>;
}

const DEADLINE_MS = 20_000;

export async function harness(
  options: { dockerHost?: string; callTimeoutSeconds?: number; resyncSeconds?: number } = {},
): Promise<Harness> {
  const { dockerHost, ...rest } = options;
  const docker = new Docker();
  await ensureTestBase(docker);
  const home = randomBytes(4).toString('hex');
  const environment = `${randomBytes(6).toString('hex')}-1`;
  const direct = new ContainerRuntime({ home, env: process.env });
  const runtime =
    dockerHost === undefined && !rest.callTimeoutSeconds && !rest.resyncSeconds
      ? direct
      : new ContainerRuntime({
          home,
          env: dockerHost === undefined ? process.env : { DOCKER_HOST: dockerHost },
          ...rest,
        });
  const signal = new AbortController().signal;
  const tags = { clusternator_project: 'shop', clusternator_stage: 'test' };
  const { name: network } = await direct.ensureNetwork({ environment, tags }, signal);
  const spec = (more: Partial<InstanceSpec> = {}): InstanceSpec => ({
    environment,
    service: 'api',
    index: 0,
    image: TEST_BASE,
    command: ['sleep', '1000'],
    env: {},
    cpus: 0.5,
    memoryMiB: 64,
    network,
    tags,
    ...more,
  });
  return {
    docker,
    runtime,
    home,
    environment,
    network,
    signal,
    spec,
    script: (text, more) => spec({ command: ['sh', '-c', text], ...more }),
    nameOf: (instance) => runtime.nameOf(instance),
    until: (instance, isSo) => eventually(() => direct.inspect(direct.nameOf(instance), signal), isSo),
    close: async () => {
      await direct.sweep({}, 0, signal, { volumes: true });
    },
  };
}

/** What `look` gives once it is so. */
export async function eventually<T>(
  look: () => T | Promise<T>,
  isSo: (value: T) => boolean,
  deadlineMs = DEADLINE_MS,
): Promise<T> {
  const end = Date.now() + deadlineMs;
  for (;;) {
    const value = await look();
    if (isSo(value)) return value;
    if (Date.now() > end) throw new Error(`still not so: ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
