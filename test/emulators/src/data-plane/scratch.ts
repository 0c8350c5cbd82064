import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isGone, OWNER } from './owner.ts';

const PREFIX = 'aws-data-plane-';
/** Holds the address of a plane's registry. */
export const HOST_FILE = 'registry-host';

/** A folder for one data plane. */
export function makeScratch(): string {
  return mkdtempSync(path.join(tmpdir(), `${PREFIX}${OWNER}.`));
}

/**
 * Removes the folders of planes whose process was killed.
 * @returns Where their registries listened, without the addresses at which another's does by now.
 */
export function sweepScratch(): readonly string[] {
  const folders = readdirSync(tmpdir()).filter((name) => name.startsWith(PREFIX) && name.includes('.'));
  const ownerOf = (name: string) => name.slice(PREFIX.length, name.lastIndexOf('.'));
  const gone = folders.filter((name) => isGone(ownerOf(name)));
  const used = new Set(folders.filter((name) => !gone.includes(name)).map(registryOf));
  const hosts = gone.map(registryOf).filter((host) => host !== '' && !used.has(host));
  for (const name of gone) rmSync(path.join(tmpdir(), name), { recursive: true, force: true });
  return hosts;
}

function registryOf(name: string): string {
  try {
    return readFileSync(path.join(tmpdir(), name, HOST_FILE), 'utf8');
  } catch {
    return ''; // not written yet, or swept by somebody else right now
  }
}
