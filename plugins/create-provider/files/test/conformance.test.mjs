import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { loadHarness, reportText, runKit } from '@clusternator/conformance';

const root = path.resolve(import.meta.dirname, '..');

test('passes the conformance kit', async () => {
  const report = await runKit(await loadHarness(root));
  await writeFile(path.join(root, 'conformance.json'), `${JSON.stringify(report, null, 2)}\n`);
  assert.ok(report.passed, reportText(report));
});
