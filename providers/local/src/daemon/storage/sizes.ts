import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../control/failure.ts';
import type { VolumeRecord } from '../database.ts';
import { gib } from './copy.ts';

export interface SizesOptions {
  readonly volumes: () => readonly VolumeRecord[];
  /** Undefined: it can't be told. */
  readonly measure: (record: VolumeRecord, signal: AbortSignal) => Promise<number | undefined>;
  readonly log: (message: string) => void;
}

const PAUSE_SECONDS = 900;

/** What volumes hold against what they were to hold. Nothing keeps a folder from growing: it is looked at, and told. */
export class Sizes {
  readonly #options: SizesOptions;
  readonly #bytes = new Map<string, number>();
  readonly #told = new Set<string>();

  constructor(options: SizesOptions) {
    this.#options = options;
  }

  /** Now, and remembered. */
  async of(record: VolumeRecord, signal: AbortSignal): Promise<number | undefined> {
    const bytes = await this.#options.measure(record, signal);
    if (bytes !== undefined) this.#bytes.set(record.key, bytes);
    const message = this.overSize(record.key, record.spec.sizeGiB);
    if (message === undefined) this.#told.delete(record.key);
    else if (!this.#told.has(record.key)) {
      this.#told.add(record.key);
      this.#options.log(`volume ${record.key}: ${message}`);
    }
    return bytes;
  }

  /** As it was when it was looked at last. */
  overSize(key: string, sizeGiB: number): string | undefined {
    const bytes = this.#bytes.get(key);
    if (bytes === undefined || bytes <= sizeGiB * 2 ** 30) return undefined;
    return `it holds ${gib(bytes)}, more than the ${String(sizeGiB)} GiB that it is to have`;
  }

  /** Until the signal aborts. */
  async watch(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      for (const record of this.#options.volumes()) {
        await this.of(record, signal).catch((error: unknown) => {
          if (!signal.aborted) this.#options.log(`volume ${record.key} can't be measured: ${messageOf(error)}`);
        });
      }
      await sleep(PAUSE_SECONDS * 1000, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }
}
