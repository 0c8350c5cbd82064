import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';

const root = path.resolve(import.meta.dirname, '..');

test('the package exports the provider that its manifest names', async () => {
  const { clusternator } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));
  const { default: provider } = await import(path.join(root, clusternator.provider.entry));
  assert.equal(provider.id, clusternator.provider.id);
});

test('every example is a valid config', async () => {
  const { default: provider } = await import(path.join(root, 'dist', 'index.js'));
  for (const example of Object.values(provider.examples)) {
    assert.ok(provider.config.safeParse(example).success);
    assert.ok(Object.keys(provider.capabilities(provider.config.parse(example))).length > 0);
  }
});
