import { execFile } from 'node:child_process';
import { closeSync, openSync, statfsSync, writeSync } from 'node:fs';
import { mkdir, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { promisify } from 'node:util';

import { Sandbox } from './sandbox.ts';

const exec = promisify(execFile);
export const MIB = 2 ** 20;
const ZEROS = Buffer.alloc(4 * MIB);

/** A sandbox whose state is on a small file system of its own. */
export class SandboxOnDisk {
  readonly sandbox: Sandbox;
  readonly #filler: string;

  private constructor(sandbox: Sandbox) {
    this.sandbox = sandbox;
    this.#filler = path.join(sandbox.stateHome, 'filler');
  }

  /** @param kind - `tmpfs`, or what `mkfs` makes in a file. */
  static async open(kind: 'tmpfs' | 'xfs' | 'btrfs', sizeMib: number): Promise<SandboxOnDisk> {
    const sandbox = await Sandbox.open();
    const { folder, stateHome } = sandbox;
    await mkdir(stateHome, { mode: 0o700 });
    if (kind === 'tmpfs') {
      await exec('mount', ['-t', 'tmpfs', '-o', `size=${String(sizeMib)}m,mode=0700`, 'tmpfs', stateHome]);
    } else {
      const image = path.join(folder, 'disk');
      await writeFile(image, '');
      await truncate(image, sizeMib * MIB);
      await exec(`mkfs.${kind}`, ['-q', image]);
      await exec('mount', ['-o', 'loop', image, stateHome]);
      await exec('chmod', ['0700', stateHome]);
    }
    return new SandboxOnDisk(sandbox);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.makeRoom(); // the daemon can't stop well without a byte to write
    await this.sandbox.run(['daemon', 'stop'], { cwd: this.sandbox.folder });
    await exec('umount', ['--lazy', this.sandbox.stateHome]);
    await this.sandbox.dispose();
  }

  async free(): Promise<number> {
    await exec('sync', ['-f', this.sandbox.stateHome]);
    return this.#left();
  }

  /** All but `left` bytes of it, whoever else writes meanwhile. */
  fill(left: number): void {
    const file = openSync(this.#filler, 'a');
    try {
      for (let more = this.#left() - left; more > 0; more = this.#left() - left)
        writeSync(file, ZEROS, 0, Math.min(ZEROS.length, more));
    } finally {
      closeSync(file);
    }
  }

  async makeRoom(): Promise<void> {
    await rm(this.#filler, { force: true });
  }

  /** Fills it once something has been writing to it. @returns Whether that came before `work` ended. */
  async fillMidway(work: Promise<unknown>, left: number): Promise<boolean> {
    const before = this.#left();
    const ended = new AbortController();
    void work.finally(() => ended.abort()).catch(() => undefined);
    while (!ended.signal.aborted) {
      if (this.#left() < before - 4 * MIB) {
        this.fill(left);
        return true;
      }
      await nextTurn();
    }
    return false;
  }

  /** An environment with one volume. @returns Its id, and where its data is. */
  async deployVolume(): Promise<{ readonly volume: string; readonly folder: string }> {
    await this.sandbox.repositoryOf({
      'clusternator.config.yaml': `project: PROJECT
provider: local
services:
  worker: { command: node worker.mjs, volumes: { data: data } }
volumes: { data: {} }
`,
      'worker.mjs': 'setInterval(() => {}, 1000);',
    });
    await this.sandbox.create();
    const { volumes } = await this.sandbox.answer<{ volumes: readonly { id: string }[] }>('storage', 'list');
    return { volume: volumes[0]?.id ?? '', folder: await this.#dataFolder() };
  }

  /** Where the data of the only volume is. */
  async #dataFolder(): Promise<string> {
    const volumes = path.join(this.sandbox.stateHome, 'local', 'volumes');
    const [only, ...more] = await readdir(volumes);
    if (only === undefined || more.length > 0) throw new Error(`there is not one volume: ${[only, ...more].join()}`);
    return path.join(volumes, only, 'data');
  }

  #left(): number {
    const { bavail, bsize } = statfsSync(this.sandbox.stateHome);
    return bavail * bsize;
  }
}
