import { lstatSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ProviderError } from '@clusternator/core/provider';
import { copyContent, flush } from './copy.ts';
import type { Hold } from './hold.ts';
import { TreeThread } from './tree-thread.ts';

export interface LiveCopyOptions {
  readonly signal: AbortSignal;
  readonly sharesBlocks: boolean;
  readonly onBytes: (done: number) => void;
  /** Who may write to it: named, so that it shows when that changes. */
  readonly writers: () => string;
  /** Stops them. */
  readonly hold: () => Promise<Hold>;
}

/** Writers never wait longer: rather there is no copy. */
const HOLD_SECONDS = 2;
/** A round that took no longer than this leaves little to do while writers wait. */
const SHORT_MS = 50;
const MOST_ROUNDS = 4;
const HINT =
  'let the database make its own: `quiesce` in the config; or use a file system with reflinks, such as XFS or Btrfs';

/**
 * A folder at one moment, though it is written to, should it be: as a machine is moved while it runs. All is copied beside the writers; then, again and
 * again, what changed meanwhile; and the last of it while they are stopped.
 * @returns That moment.
 * @throws ProviderError `timeout` (too much changes to be copied while they wait): nothing is held any more.
 */
export async function copyLive(source: string, target: string, options: LiveCopyOptions): Promise<Date> {
  const { hold, onBytes, sharesBlocks, signal, writers } = options;
  const clocks = Date.now() - performance.now();
  let sinceMs = fileClock(source);
  const begunAt = new Date();
  const isQuiet = writers() === '';
  if (!isQuiet && process.platform !== 'linux') {
    throw new ProviderError('unsupported', 'on this system a volume is copied only while no environment mounts it', {
      hint: `destroy ${writers()} first`,
    });
  }
  // What was mapped to memory before is seen to change only once it was written back.
  if (!isQuiet) await flush(source, signal);
  await copyContent(source, target, { signal, onBytes, isLive: !isQuiet });
  if (isQuiet && writers() === '') return begunAt;
  await using thread = new TreeThread(signal);
  const follow = { kind: 'follow', source, target, sharesBlocks } as const;
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const begunMs = fileClock(source);
    const begun = performance.now();
    await thread.ask({ ...follow, sinceMs, isStill: false, untilMs: Infinity });
    sinceMs = begunMs;
    if (performance.now() - begun < SHORT_MS) break;
  }
  const held = await hold();
  try {
    const takenAt = new Date();
    const untilMs = Date.now() + HOLD_SECONDS * 1000;
    do await thread.ask({ ...follow, sinceMs, isStill: true, untilMs });
    while (await held.extend());
    assertClock(clocks);
    return takenAt;
  } catch (cause) {
    if (!ProviderError.is(cause) || cause.code !== 'timeout') throw cause;
    const message = `more changes in it than can be copied in the ${String(HOLD_SECONDS)} s that writers are made to wait`;
    throw new ProviderError('timeout', message, { cause, effect: 'none', retry: 'never', hint: HINT });
  } finally {
    await held.end();
  }
}

/** What the file system takes for now: a network's has a clock of its own. */
function fileClock(folder: string): number {
  const probe = path.join(path.dirname(folder), `.clusternator-clock-${String(process.pid)}`);
  try {
    writeFileSync(probe, '');
    return lstatSync(probe).ctimeMs;
  } finally {
    rmSync(probe, { force: true });
  }
}

/** A clock that was set back in between would hide changes. */
function assertClock(before: number): void {
  if (Math.abs(Date.now() - performance.now() - before) < 500) return;
  throw new ProviderError('unavailable', "the machine's clock was set while the volume was copied", {
    effect: 'none',
    retry: 'safe',
  });
}
