import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from '@jest/globals';

/** A folder for one test file, removed in its end. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'clusternator-test-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
