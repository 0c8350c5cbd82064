import { statSync, truncateSync } from 'node:fs';

const MAX_BYTES = 2 * 1024 * 1024;

/** Bounds the file that stdout is while the daemon runs. Others write to it too, so it is cut, not renamed. */
export function boundDaemonLog(file: string): void {
  if (sizeOf(file) > MAX_BYTES) truncateSync(file);
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

/** One line with its time. */
export function logLine(message: string): void {
  process.stdout.write(`${new Date().toISOString()} [${String(process.pid)}] ${message}\n`);
}
