/** The provider that `init` writes, unless told otherwise. Which providers come along is in package.json, under `oclif.plugins`. */
export const DEFAULT_PROVIDER = 'local';
