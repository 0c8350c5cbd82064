import type { Command } from '@oclif/core';
import type * as Core from '@clusternator/core';
import { join } from 'node:path';
import { BaseCommand } from './base-command.ts';
import { directoryOf } from './directory.ts';
import { providersFor } from './providers.ts';
import { stateHome } from './state-home.ts';

interface LoadedProvider {
  readonly core: typeof Core;
  readonly provider: Core.Provider;
  readonly source: Core.ProviderSource;
}

/** A command about one provider: of the project in its folder, or else of this installation. */
export abstract class ProviderCommand<C extends typeof Command> extends BaseCommand<C> {
  /** @throws ProviderError `invalid`, `refused` by the config of the project. */
  protected async load(id: string): Promise<LoadedProvider> {
    // `FlagsOf<C>` of an open type parameter does not show what the base flags put into it.
    const flags = this.flags as unknown as { readonly cwd?: string; readonly 'state-home'?: string };
    const directory = directoryOf(flags.cwd);
    const [core, { providers }] = await Promise.all([
      import('@clusternator/core'),
      providersFor(this.config, directory),
    ]);
    const provider = await core.loadProvider(providers, id, {
      policies: [await core.readProviderPolicy({ directory })],
      knownFolder: join(stateHome(process.env, flags['state-home']), 'providers'),
    });
    const source = providers.find((one) => one.id === provider.id);
    if (!source) throw new Error(`provider ${provider.id} was loaded from nowhere`);
    return { core, provider, source };
  }
}
