// One bundle, with all that the provider needs: it installs without a registry, and the integrity that a config pins covers all of its code.
import { build } from 'esbuild';
import { rm } from 'node:fs/promises';

await rm('dist', { recursive: true, force: true });
await build({
  entryPoints: ['src/index.ts', 'src/conformance.ts', 'src/stand-in.ts'],
  outdir: 'dist',
  bundle: true,
  splitting: true, // each driver is loaded when it is used
  format: 'esm',
  platform: 'node',
  target: 'node24',
  external: ['@clusternator/conformance', '@clusternator/core/kit'], // for the harness alone
  logLevel: 'warning',
});
