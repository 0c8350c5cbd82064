import { expect, test } from '@jest/globals';
import { briefWarning } from './warnings.ts';

test('a plugin that breaks when it is read: which one, and why', () => {
  const detail =
    'module: @oclif/core@5\ntask: findCommand (boom)\nplugin: acme\nroot: /x\nmessage: broken at import\nSee more details with DEBUG=*';
  expect(briefWarning(Object.assign(new Error('Error'), { detail }))).toBe(
    "plugin acme can't be used: broken at import",
  );
});

test('a plugin that is gone from the disk: which one, and the way out', () => {
  const message =
    "could not find package.json with {\n  ignoreManifest: undefined,\n  name: 'gone-plugin',\n  root: '/data'\n}";
  const detail = 'module: @oclif/core@5\nplugin: clusternator\nroot: /x';
  expect(briefWarning(Object.assign(new Error(message), { detail }))).toBe(
    'plugin gone-plugin is listed, but not installed: clusternator plugins uninstall gone-plugin',
  );
});

test('anything else: its first line', () => {
  expect(briefWarning(new Error('mind this\nand a stack'))).toBe('mind this');
});
