import { readTopLevel } from '../config/identity.ts';
import { workTreeConfig } from './project-name.ts';
import type { OpenOptions } from './project.ts';
import type { ProviderPolicy } from './provider-policy.ts';
import { settingsOf, type Settings } from './settings.ts';

/** What the config of a work tree says of the providers that may be loaded there. Without a config: all may. @throws ConfigError. */
export function readProviderPolicy(options: OpenOptions): Promise<ProviderPolicy> {
  return workTreePolicy(settingsOf(options));
}

/** The same, of a project that is opened. */
export async function workTreePolicy(settings: Settings): Promise<ProviderPolicy> {
  const place = await workTreeConfig(settings);
  const top = await readTopLevel(place);
  if (top && !top.keys.has('providers')) return {}; // which spares most commands the parser
  const { loadProviderPolicy } = await import('../config/load.ts');
  return loadProviderPolicy(place);
}
