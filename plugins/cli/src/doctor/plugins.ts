import { checkProviderPolicy, ProviderError, type ProviderPolicy } from '@clusternator/core';
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

/**
 * Asks each provider that has a `doctor` hook, running nothing else of it. A hook that fails is a finding of its own.
 * @param readPolicy - What the config here says of the providers that may run. Where it can't be read, only what comes along is asked.
 */
export async function pluginChecks(
  providers: readonly ProviderPackage[],
  options: DoctorHookOptions,
  readPolicy: () => Promise<ProviderPolicy>,
): Promise<readonly Check[]> {
  const policy = await readPolicy().catch(() => undefined); // told as a finding about the config
  const answers = await Promise.all(
    providers.map(async (one): Promise<Check[]> => {
      if (one.doctorHook === undefined) return [];
      if (!policy) return one.comesAlong ? ask(one, one.doctorHook, options) : [];
      try {
        await checkProviderPolicy(policy, one);
      } catch (error) {
        return [refused(one, error)];
      }
      return ask(one, one.doctorHook, options);
    }),
  );
  return answers.flat();
}

async function ask(provider: ProviderPackage, hook: string, options: DoctorHookOptions): Promise<Check[]> {
  try {
    const imported: unknown = await import(pathToFileURL(join(provider.root, hook)).href);
    if (!isHook(imported)) throw new Error(`${hook} exports no function by default`);
    const answer = await Promise.race([Promise.resolve(imported.default(options)), late()]);
    return Array.isArray(answer) ? answer.filter(isCheck) : [];
  } catch (error) {
    const message = `${provider.package} could not check itself: ${error instanceof Error ? error.message : String(error)}`;
    return [{ name: 'plugin', state: 'fail', message, hint: 'report it to its author, or uninstall it' }];
  }
}

/** That the config leaves a provider out is as it should be; that a package is not what was pinned is not. */
function refused(provider: ProviderPackage, error: unknown): Check {
  if (ProviderError.is(error) && error.detail.path === 'providers.allow')
    return { name: 'plugin', state: 'ok', message: `${provider.package} was not asked: providers.allow leaves it out` };
  const message = `${provider.package} was not asked: ${error instanceof Error ? error.message : String(error)}`;
  const hint = ProviderError.is(error) ? error.detail.hint : undefined;
  return { name: 'plugin', state: 'fail', message, ...(hint !== undefined && { hint }) };
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
