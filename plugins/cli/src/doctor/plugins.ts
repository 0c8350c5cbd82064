import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ProviderPackage } from '../providers.ts';
import type { Check } from './check.ts';

const HOOK_TIMEOUT_MS = 10_000;

/** What a provider's `doctor` hook gets. It returns checks of its own: of a daemon, of ports, of credentials. */
export interface DoctorHookOptions {
  readonly stateFolder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Asks each provider that has a `doctor` hook, running nothing else of it. A hook that fails is a finding of its own. */
export async function pluginChecks(
  providers: readonly ProviderPackage[],
  options: DoctorHookOptions,
): Promise<readonly Check[]> {
  const answers = await Promise.all(providers.map((one) => ask(one, options)));
  return answers.flat();
}

async function ask(provider: ProviderPackage, options: DoctorHookOptions): Promise<Check[]> {
  const { doctorHook, root } = provider;
  if (doctorHook === undefined) return [];
  try {
    const imported: unknown = await import(pathToFileURL(join(root, doctorHook)).href);
    if (!isHook(imported)) throw new Error(`${doctorHook} exports no function by default`);
    const answer = await Promise.race([Promise.resolve(imported.default(options)), late()]);
    return Array.isArray(answer) ? answer.filter(isCheck) : [];
  } catch (error) {
    const message = `${provider.package} could not check itself: ${error instanceof Error ? error.message : String(error)}`;
    return [{ name: 'plugin', state: 'fail', message, hint: 'report it to its author, or uninstall it' }];
  }
}

function isHook(value: unknown): value is { default(options: DoctorHookOptions): unknown } {
  return typeof value === 'object' && value !== null && 'default' in value && typeof value.default === 'function';
}

function late(): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(() => {
      reject(new Error(`no answer within ${String(HOOK_TIMEOUT_MS / 1000)} s`));
    }, HOOK_TIMEOUT_MS).unref();
  });
}

function isCheck(value: unknown): value is Check {
  return typeof value === 'object' && value !== null && 'name' in value && 'state' in value && 'message' in value;
}
