import type { Container } from 'dockerode';
import { MOUNTS } from './loop-devices.ts';
import type { MachineImage } from './machine-image.ts';
import type { Plane } from './plane.ts';

/** AWS gives some minutes. */
const GRACE_SECONDS = 30;

/** What a machine is of, as Auto Scaling tells it. */
export interface MachinePlace {
  readonly id: string;
  readonly group: string;
  /** Of its launch template, in base64. */
  readonly userData: string;
  /** The ARN of its instance profile, if it has one. */
  readonly profile?: string | undefined;
}

/** One instance of an Auto Scaling group: a container that runs its user data, at an address of its own. */
export class Machine {
  readonly startedAt = Date.now();
  isOver = false;
  #container: Container | undefined;

  constructor(
    readonly place: MachinePlace,
    readonly address: string,
    private readonly plane: Plane,
  ) {}

  get container(): string | undefined {
    return this.#container?.id;
  }

  /** @param variables - By which it finds the public interface. @param onEnd - It ended by itself, or was killed. */
  async start(image: MachineImage, variables: Readonly<Record<string, string>>, onEnd: () => void): Promise<void> {
    const { engine } = this.plane;
    const { HostConfig, ...place } = engine.place(this.address, []);
    const env = {
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      HOME: '/root',
      LANG: 'C.UTF-8',
      MACHINE_ID: this.place.id,
      MACHINE_USER_DATA: this.place.userData,
      ...variables,
    };
    this.#container = await engine.create(
      {
        name: `${engine.network}-${this.place.id}`,
        Image: image.name,
        Cmd: ['/usr/local/bin/machine-init'],
        Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
        ...place,
        HostConfig: { ...HostConfig, ...MOUNTS, Binds: [...image.binds] },
      },
      () => {
        if (!this.isOver) onEnd();
      },
    );
    if (this.isOver) await engine.remove(this.#container);
    else await this.#container.start();
  }

  async end(): Promise<void> {
    this.isOver = true;
    if (!this.#container) return;
    await this.#container.stop({ t: GRACE_SECONDS }).catch(() => undefined); // not running any more
    await this.plane.engine.remove(this.#container);
  }
}
