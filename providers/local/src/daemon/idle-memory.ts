import { performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { z } from 'zod';

const EVERY_MS = 3000;
/** Below this share of its time the event loop counts as idle. */
const IDLE = 0.05;
/** Growth since the last collection that makes another one worth its tenth of a second. */
const GROWN_BYTES = 8 * 2 ** 20;

const collectorSchema = z.custom<(options: object) => void>((value) => typeof value === 'function');

/**
 * Gives memory back to the system when nothing happens. V8 keeps what a busy minute needed until it needs more, and an idle process never does.
 * @returns Ends it.
 */
export function collectWhenIdle(): () => void {
  setFlagsFromString('--expose-gc');
  const collect = collectorSchema.parse(runInNewContext('gc'));
  let before = performance.eventLoopUtilization();
  let afterLast = 0;
  const timer = setInterval(() => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    if (utilization > IDLE || process.memoryUsage.rss() - afterLast < GROWN_BYTES) return;
    // `last-resort` also drops code that has not run for long, and shrinks the space for new objects.
    collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
    afterLast = process.memoryUsage.rss();
  }, EVERY_MS);
  timer.unref();
  return () => {
    clearInterval(timer);
  };
}
