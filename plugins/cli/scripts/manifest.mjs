// Writes the oclif.manifest.json of each package folder given: with it the commands of a plugin are known without running its code.
import { Plugin, settings } from '@oclif/core';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

settings.enableAutoTranspile = false;
for (const folder of process.argv.slice(2)) {
  const root = resolve(folder);
  const plugin = new Plugin({
    root,
    type: 'core',
    isRoot: true,
    ignoreManifest: true,
    errorOnManifestCreate: true,
    respectNoCacheDefault: true,
  });
  await plugin.load();
  await writeFile(join(root, 'oclif.manifest.json'), `${JSON.stringify(plugin.manifest, null, 2)}\n`);
}
