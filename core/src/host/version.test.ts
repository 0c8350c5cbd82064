import { readFile } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import { CORE_VERSION } from './version.ts';

test('the version that providers are held against is that of the package', async () => {
  const manifest: unknown = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'));
  expect(manifest).toMatchObject({ version: CORE_VERSION });
});
