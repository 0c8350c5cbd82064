import { Errors } from '@oclif/core';
import { fits } from '../provider-text.ts';
import { findProviders, type Installation } from '../providers.ts';
import { removeUnusedPackages } from '../plugins-install.ts';

/** After `plugins install`: says at once which provider can't be used with this clusternator, and what to do. */
export default async function pluginInstalled({ config }: { readonly config: Installation }): Promise<void> {
  await removeUnusedPackages(config.dataDir);
  const { CORE_VERSION, wayOutOfSdk } = await import('@clusternator/core');
  const { providers } = await findProviders(config);
  const unfit = providers.filter(({ sdk }) => !fits(CORE_VERSION, sdk));
  if (unfit.length === 0) return;
  const lines = unfit.map(
    ({ id, package: name, version, sdk }) =>
      `provider "${id}" (${name}@${version}) was made for core ${sdk}, this is ${CORE_VERSION}: it will not be loaded`,
  );
  const suggestions = await Promise.all(
    unfit.map(
      async (source) =>
        `${await wayOutOfSdk(source)}. Or uninstall it: clusternator plugins uninstall ${source.package}`,
    ),
  );
  throw new Errors.CLIError(lines.join('\n'), { exit: 2, suggestions });
}
