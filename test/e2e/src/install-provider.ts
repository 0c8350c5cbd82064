import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

import { toolFolder } from './cli.ts';
import type { Sandbox } from './sandbox.ts';

/** The provider for AWS as a dependency of the project, from what would be published. */
export async function installProvider({ cwd }: Sandbox): Promise<void> {
  const tool = toolFolder();
  const tarballs = (await readdir(tool)).filter((name) => /^clusternator-(?:core|provider-aws)-.*\.tgz$/.test(name));
  assert.equal(tarballs.length, 2);
  const args = ['install', '--prefer-offline', '--no-audit', '--no-fund', '--no-package-lock'];
  const files = tarballs.map((name) => path.join(tool, name));
  await promisify(execFile)('npm', [...args, ...files], { cwd, env: { ...process.env, NODE_OPTIONS: '' } });
}
