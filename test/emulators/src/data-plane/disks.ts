import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { rm, truncate, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import {
  DescribeInstancesCommand,
  DescribeVolumesCommand,
  DetachVolumeCommand,
  type Volume,
} from '@aws-sdk/client-ec2';
import type { Answer, Asked } from './exchange.ts';
import { detached, ec2Refusal, tellHolders } from './disk-answers.ts';
import { diskFile, LoopDevices } from './loop-devices.ts';
import type { Plane } from './plane.ts';
import { find, parse } from './query-xml.ts';

const GIB = 1024 ** 3;
const ATTACHES = /^ec2\.AttachVolume$/;

/** A volume at a machine. */
interface Attached {
  readonly machine: string;
  /** Once it is there. */
  device?: string;
}

/** The bytes of EBS volumes and their snapshots, as files, and the block devices that machines see of them. */
export class Disks {
  readonly #attached = new Map<string, Attached>();
  readonly #devices: LoopDevices;

  /** @param containerOf - That of a machine which runs. */
  constructor(
    private readonly plane: Pick<Plane, 'clients' | 'engine'>,
    private readonly folder: string,
    private readonly containerOf: (machine: string) => string | undefined,
  ) {
    this.#devices = new LoopDevices(plane.engine, folder);
  }

  /** One machine at a time, in the same zone: the emulator takes any. */
  async before({ action, form }: Asked): Promise<Answer | undefined> {
    const [id, machine] = [form.get('VolumeId') ?? '', form.get('InstanceId') ?? ''];
    if (action === 'ec2.DetachVolume') return this.#release(id, machine);
    if (!ATTACHES.test(action)) return undefined;
    if (this.#attached.has(id)) return ec2Refusal('VolumeInUse', `${id} is already attached to an instance`);
    this.#attached.set(id, { machine });
    try {
      const refused = await this.#isApart(id, machine);
      if (refused) this.#attached.delete(id);
      return refused;
    } catch {
      this.#attached.delete(id);
      return undefined; // the emulator says why
    }
  }

  /** Of what succeeded. */
  async after({ action, form }: Asked, answer: Answer): Promise<Answer> {
    if (action === 'ec2.DescribeVolumes') return tellHolders(answer, this.#attached);
    await this.#carryOut(action, form.get('VolumeId') ?? '', answer);
    return answer;
  }

  async #carryOut(action: string, id: string, answer: Answer): Promise<void> {
    if (ATTACHES.test(action)) await this.#attach(id);
    else if (action === 'ec2.DetachVolume') await this.#detach(id);
    else if (action === 'ec2.ModifyVolume') await this.#grow(id);
    else if (action === 'ec2.DeleteVolume') await rm(this.#file(id), { force: true });
    else if (action === 'ec2.CreateSnapshot') {
      const snapshot = find(parse(answer.body.toString()), 'snapshotId')?.text ?? '';
      await this.#copy(id, snapshot);
    }
  }

  /** EC2 detaches what an instance that ended had. */
  async ended(machine: string): Promise<void> {
    for (const [VolumeId, attached] of this.#attached) {
      if (attached.machine !== machine) continue;
      await this.#detach(VolumeId);
      await this.plane.clients.ec2
        .send(new DetachVolumeCommand({ VolumeId, InstanceId: machine }))
        .catch(() => undefined); // it was detached before its answer came
    }
  }

  async end(): Promise<void> {
    for (const id of this.#attached.keys()) await this.#detach(id);
  }

  /** The emulator took it from an instance that has not ended yet. */
  async #release(id: string, machine: string): Promise<Answer | undefined> {
    const isTheirs = this.#attached.get(id)?.machine === machine;
    if (!isTheirs || (await this.#volume(id))?.State === 'in-use') return undefined;
    await this.#detach(id);
    return detached(id, machine);
  }

  async #isApart(id: string, machine: string): Promise<Answer | undefined> {
    const { ec2 } = this.plane.clients;
    const [volume, { Reservations = [] }] = await Promise.all([
      this.#volume(id),
      ec2.send(new DescribeInstancesCommand({ InstanceIds: [machine] })),
    ]);
    const zone = Reservations[0]?.Instances?.[0]?.Placement?.AvailabilityZone;
    if (zone === volume?.AvailabilityZone) return undefined;
    const message = `The volume '${id}' is not in the same availability zone as instance '${machine}'`;
    return ec2Refusal('InvalidVolume.ZoneMismatch', message);
  }

  async #attach(id: string): Promise<void> {
    const attached = this.#attached.get(id);
    const container = attached && this.containerOf(attached.machine);
    if (!container) return;
    attached.device = await this.#devices.attach(await this.#bytes(id));
    await this.#devices.show(container, attached.device, id);
  }

  async #detach(id: string): Promise<void> {
    const attached = this.#attached.get(id);
    this.#attached.delete(id);
    if (attached?.device === undefined) return;
    const container = this.containerOf(attached.machine);
    if (container) await this.#devices.hide(container, attached.device, id).catch(() => undefined); // it is ending
    await this.#devices.detach(attached.device);
  }

  async #grow(id: string): Promise<void> {
    const [file, volume] = [await this.#bytes(id), await this.#volume(id)];
    await truncate(file, (volume?.Size ?? 0) * GIB);
    const device = this.#attached.get(id)?.device;
    if (device !== undefined) await this.#devices.resize(device);
  }

  /** All of one moment: what a machine has mounted holds still for as long as it is copied. */
  async #copy(id: string, snapshot: string): Promise<void> {
    const file = await this.#bytes(id);
    const { machine, device } = this.#attached.get(id) ?? {};
    const container = machine === undefined ? undefined : this.containerOf(machine);
    const at = (action: string): Promise<unknown> =>
      container && device !== undefined
        ? this.#devices.inside(
            container,
            `at=$(findmnt -n -o TARGET -S ${device} | head -n 1); [ -z "$at" ] || fsfreeze ${action} "$at"`,
          )
        : Promise.resolve();
    await at('--freeze');
    try {
      await copy(file, this.#file(snapshot));
    } finally {
      await at('--unfreeze');
    }
  }

  /** What the volume began with, where nobody had it yet: nothing, or its snapshot. */
  async #bytes(id: string): Promise<string> {
    const file = this.#file(id);
    if (existsSync(file)) return file;
    const { SnapshotId = '', Size = 0 } = (await this.#volume(id)) ?? {};
    const source = this.#file(SnapshotId);
    if (SnapshotId !== '' && existsSync(source)) await copy(source, file);
    else await writeFile(file, '');
    await truncate(file, Size * GIB);
    return file;
  }

  async #volume(id: string): Promise<Volume | undefined> {
    const { Volumes = [] } = await this.plane.clients.ec2.send(new DescribeVolumesCommand({ VolumeIds: [id] }));
    return Volumes[0];
  }

  #file(id: string): string {
    return diskFile(this.folder, id);
  }
}

async function copy(from: string, to: string): Promise<void> {
  await promisify(execFile)('cp', ['--sparse=always', '--reflink=auto', from, to]);
}
