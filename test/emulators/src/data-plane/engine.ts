import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { promisify } from 'node:util';
import Docker, { type Container, type ContainerCreateOptions } from 'dockerode';
import { isGone, OWNER } from './owner.ts';

const OWNER_LABEL = 'aws-data-plane.owner';
const PLANE_LABEL = 'aws-data-plane.id';
const PAUSE_IMAGE = 'aws-data-plane/pause:1';
const PAUSE =
  'tar -C / -ch bin/busybox | docker import --change \'ENTRYPOINT ["/bin/busybox","sleep","2147483647"]\' - "$0"';
const SUBNET_TRIES = 20;
/** A /20, in which the first is the engine's. */
const FIRST_ADDRESS = 2;
const BLOCK = 256;

/** What happened to a container. */
export interface ContainerEvent {
  readonly kind: 'died' | 'healthy' | 'unhealthy';
  readonly exitCode: number;
}
type Listener = (event: ContainerEvent) => void;

/** One data plane's part of the Docker Engine: all that it makes carries its labels, and goes with it. */
export class Engine {
  readonly docker = new Docker();
  readonly network: string;
  readonly #labels: Record<string, string>;
  readonly #listeners = new Map<string, Listener>();
  readonly #pulls = new Map<string, Promise<void>>();
  #subnet: readonly [number, number] = [0, 0];
  #next = FIRST_ADDRESS;
  #events: { destroy(): void } | undefined;

  private constructor(readonly id: string) {
    this.network = `aws-data-plane-${id}`;
    this.#labels = { [OWNER_LABEL]: OWNER, [PLANE_LABEL]: id };
  }

  static async open(id: string): Promise<Engine> {
    const engine = new Engine(id);
    await engine.#sweep();
    await engine.#makeNetwork();
    await engine.#follow();
    return engine;
  }

  /** This machine's own, as containers see it. */
  get gateway(): string {
    const [second, third] = this.#subnet;
    return `10.${String(second)}.${String(third)}.1`;
  }

  /** Never the same twice in a plane's life, so that what still believes in a stopped task reaches nobody else's. */
  nextAddress(): string {
    const [second, third] = this.#subnet;
    const at = this.#next++;
    return `10.${String(second)}.${String(third + Math.floor(at / BLOCK))}.${String(at % BLOCK)}`;
  }

  /** Each reference by digest is pulled once. @throws What the engine said. */
  async pull(image: string): Promise<void> {
    const known = this.#pulls.get(image);
    if (known) return known;
    const pulled = this.#pull(image);
    this.#pulls.set(image, pulled);
    const forget = () => this.#pulls.delete(image);
    pulled.then(image.includes('@') ? () => undefined : forget, forget);
    return pulled;
  }

  async hasImage(image: string): Promise<boolean> {
    return this.docker
      .getImage(image)
      .inspect()
      .then(
        () => true,
        () => false,
      );
  }

  /** Created, not started: whoever listens misses nothing. */
  async create(options: ContainerCreateOptions, listener?: Listener): Promise<Container> {
    const container = await this.docker.createContainer({
      ...options,
      Labels: { ...options.Labels, ...this.#labels },
    });
    if (listener) this.#listeners.set(container.id, listener);
    return container;
  }

  /** Holds the network of a task of several containers while they come and go, as the agent's own does. */
  async createPause(name: string, address: string, aliases: readonly string[]): Promise<Container> {
    if (!(await this.hasImage(PAUSE_IMAGE))) await promisify(execFile)('sh', ['-c', PAUSE, PAUSE_IMAGE]);
    return this.create({ name, Image: PAUSE_IMAGE, ...this.place(address, aliases), StopTimeout: 0 });
  }

  place(address: string, aliases: readonly string[]): Pick<ContainerCreateOptions, 'HostConfig' | 'NetworkingConfig'> {
    const EndpointsConfig = { [this.network]: { IPAMConfig: { IPv4Address: address }, Aliases: [...aliases] } };
    return { HostConfig: { NetworkMode: this.network }, NetworkingConfig: { EndpointsConfig } };
  }

  async ensureVolume(name: string): Promise<string> {
    const Name = `${this.network}-${name}`;
    await this.docker.createVolume({ Name, Labels: this.#labels });
    return Name;
  }

  async removeVolume(name: string): Promise<void> {
    await this.docker
      .getVolume(`${this.network}-${name}`)
      .remove()
      .catch(() => undefined);
  }

  async remove(container: Container): Promise<void> {
    this.#listeners.delete(container.id);
    await container.remove({ force: true, v: true }).catch(() => undefined); // gone already
  }

  /** All references to images of a registry that is gone. */
  async forgetImagesOf(registry: string): Promise<void> {
    const images = await this.docker.listImages({ digests: true } as Docker.ListImagesOptions);
    const names = images.flatMap(({ RepoTags, RepoDigests }) => [...(RepoTags ?? []), ...(RepoDigests ?? [])]);
    for (const name of names.filter((each) => each.startsWith(`${registry}/`))) {
      await this.docker
        .getImage(name)
        .remove()
        .catch(() => undefined); // removed with another of its names
    }
  }

  async end(): Promise<void> {
    this.#events?.destroy();
    this.#listeners.clear();
    await this.#removeAll(`${PLANE_LABEL}=${this.id}`, () => true);
  }

  async #sweep(): Promise<void> {
    await this.#removeAll(OWNER_LABEL, (labels) => isGone(labels[OWNER_LABEL] ?? ''));
  }

  async #removeAll(label: string, isWanted: (labels: Readonly<Record<string, string>>) => boolean): Promise<void> {
    const filters = { label: [label] };
    const containers = await this.docker.listContainers({ all: true, filters });
    await Promise.all(
      containers.filter(({ Labels }) => isWanted(Labels)).map(({ Id }) => this.remove(this.docker.getContainer(Id))),
    );
    for (const { Labels = {}, Id } of await this.docker.listNetworks({ filters })) {
      if (isWanted(Labels))
        await this.docker
          .getNetwork(Id)
          .remove()
          .catch(() => undefined);
    }
    const { Volumes } = await this.docker.listVolumes({ filters: JSON.stringify(filters) as never });
    for (const { Labels, Name } of Volumes) {
      if (isWanted(Labels))
        await this.docker
          .getVolume(Name)
          .remove()
          .catch(() => undefined);
    }
  }

  async #makeNetwork(): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      this.#subnet = [randomInt(64, 255), randomInt(0, 16) * 16];
      const Subnet = `10.${this.#subnet.join('.')}.0/20`;
      try {
        await this.docker.createNetwork({
          Name: this.network,
          Labels: this.#labels,
          IPAM: { Driver: 'default', Config: [{ Subnet }] },
        });
        return;
      } catch (error) {
        if (tries === SUBNET_TRIES || !String(error).includes('overlap')) throw error;
      }
    }
  }

  async #follow(): Promise<void> {
    const filters = { label: [`${PLANE_LABEL}=${this.id}`], event: ['die', 'health_status'] };
    const stream = await this.docker.getEvents({ filters });
    this.#events = stream as unknown as { destroy(): void }; // it is a socket's answer
    let rest = '';
    stream.on('data', (bytes: Buffer) => {
      const lines = `${rest}${bytes.toString()}`.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line !== '') this.#tell(JSON.parse(line));
    });
    stream.on('error', () => undefined);
  }

  #tell({
    Action = '',
    Actor = {},
  }: {
    Action?: string;
    Actor?: { ID?: string; Attributes?: Record<string, string> };
  }) {
    const listener = this.#listeners.get(Actor.ID ?? '');
    if (Action === 'die') listener?.({ kind: 'died', exitCode: Number(Actor.Attributes?.exitCode ?? 0) });
    const health = /^health_status: (healthy|unhealthy)$/.exec(Action)?.[1];
    if (health) listener?.({ kind: health as 'healthy' | 'unhealthy', exitCode: 0 }); // as the expression says
  }

  async #pull(image: string): Promise<void> {
    const stream = await this.docker.pull(image);
    await new Promise<void>((resolve, reject) => {
      this.docker.modem.followProgress(stream, (error) => (error ? reject(error) : resolve()));
    });
  }
}
