import { rm } from 'node:fs/promises';
import process from 'node:process';

import { installPacked } from './install.mjs';

/** Once a run of jest. `test/run.mjs` brings the tool along, so that its lanes share one installation. */
export default async function setup() {
  if (process.env.CLUSTERNATOR_E2E_TOOL) return;
  globalThis.installedTool = await installPacked();
  process.env.CLUSTERNATOR_E2E_TOOL = globalThis.installedTool;
}

export async function teardown() {
  if (globalThis.installedTool) await rm(globalThis.installedTool, { recursive: true, force: true });
}
