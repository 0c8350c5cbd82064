import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Engine } from './engine.ts';
import { ensureMachineImage } from './machine-image.ts';
import { isGone, OWNER } from './owner.ts';

const run = promisify(execFile);
/** A loop device's major number. @see https://www.kernel.org/doc/Documentation/admin-guide/devices.txt */
const MAJOR = 7;
const PREFIX = 'aws-data-plane-disk-';

/** What a container needs to have block devices in it and to mount them. The devices themselves are made as they are needed. */
export const MOUNTS = {
  CapAdd: ['SYS_ADMIN'],
  DeviceCgroupRules: [`b ${String(MAJOR)}:* rwm`, 'c 10:237 rwm'],
  SecurityOpt: ['apparmor=unconfined'],
};

/** A file's name tells whose it is, also once the file is gone and its device is not. */
export function diskFile(folder: string, id: string): string {
  return path.join(folder, `${PREFIX}${OWNER}.${id}`);
}

/** Files as block devices of the kernel. They are made in a container, for which this process need not be root. */
export class LoopDevices {
  #swept: Promise<unknown> | undefined;

  constructor(
    private readonly engine: Engine,
    private readonly folder: string,
  ) {}

  /** @returns Such as `/dev/loop3`. */
  async attach(file: string): Promise<string> {
    this.#swept ??= this.#sweep();
    await this.#swept;
    return this.#losetup('--find', '--show', file);
  }

  async detach(device: string): Promise<void> {
    await this.#losetup('--detach', device);
  }

  /** Its file has another size. */
  async resize(device: string): Promise<void> {
    await this.#losetup('--set-capacity', device);
  }

  /** Has a machine see a device, under the name that udev gives to one of EBS. */
  async show(container: string, device: string, volume: string): Promise<void> {
    const minor = device.replace(/\D+/, '');
    const script = `mkdir -p /dev/disk/by-id && rm -f ${device} && mknod ${device} b ${String(MAJOR)} ${minor} && ln -sfn ${device} ${byId(volume)}`;
    await this.inside(container, script);
  }

  async hide(container: string, device: string, volume: string): Promise<void> {
    await this.inside(container, `rm -f ${byId(volume)} ${device}`);
  }

  async inside(container: string, script: string): Promise<string> {
    const { stdout } = await run('docker', ['exec', container, 'sh', '-c', script]);
    return stdout.trim();
  }

  /** Devices of planes whose process was killed. */
  async #sweep(): Promise<void> {
    const listed = await this.#losetup('--list', '--noheadings', '--output', 'NAME,BACK-FILE');
    for (const line of listed.split('\n')) {
      const [device = '', file = ''] = line.trim().split(/\s+/);
      const owner = new RegExp(`${PREFIX}([^.]+)[.]`).exec(file)?.[1];
      if (owner !== undefined && isGone(owner)) await this.detach(device);
    }
  }

  async #losetup(...args: readonly string[]): Promise<string> {
    const image = await ensureMachineImage(this.engine);
    const binds = [...image.binds, '/dev:/dev', `${this.folder}:${this.folder}`].flatMap((bind) => ['--volume', bind]);
    const rights = [
      ...MOUNTS.CapAdd.flatMap((one) => ['--cap-add', one]),
      ...MOUNTS.DeviceCgroupRules.flatMap((one) => ['--device-cgroup-rule', one]),
      ...MOUNTS.SecurityOpt.flatMap((one) => ['--security-opt', one]),
    ];
    const { stdout } = await run('docker', [
      'run',
      '--rm',
      '--network=none',
      ...rights,
      ...binds,
      image.name,
      'losetup',
      ...args,
    ]);
    return stdout.trim();
  }
}

/** @see https://docs.aws.amazon.com/ebs/latest/userguide/identify-nvme-ebs-device.html */
function byId(volume: string): string {
  return `/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${volume.replace('-', '')}`;
}
