import { startOperation } from '../engine/operation.ts';
import type { BoundProvider } from '../host/drivers.ts';
import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import type { Stored } from '../state/document-store.ts';
import { changedKeys, foundationSpec, type FoundationConfig } from './ask.ts';
import type { FoundationDocument } from './documents.ts';
import { makeFoundation, type MakeInput } from './make.ts';
import { isUnmade } from './outputs.ts';

/**
 * Makes the foundation `id` where there is none, or waits for who makes it. One that was made from another config stays as it is: a commit of
 * last week must not change it back.
 * @param config - Left out: the work tree's, with the provider that is meant.
 * @throws ProviderError what making it throws.
 */
export async function ensureFoundation(
  session: Session,
  bound: BoundProvider,
  id: string,
  provider: { readonly name: string; readonly config: unknown },
  config?: FoundationConfig,
): Promise<void> {
  const found = await readFoundation(session, id);
  if (found && isFree(found.document) && (await session.foundations.see(bound, found))) {
    if (config) tellDifferences(session, found.document, config, bound);
    return;
  }
  // Also one of an older version of its provider, whose outputs are not enough for this one: as it was asked for, it is made whole.
  const isOld = found !== undefined && isFree(found.document);
  if (isOld) await runMake(session, inputOf(id, configOf(found.document), true));
  else await runMake(session, inputOf(id, config ?? (await workTreeConfigWith(session, provider)), false));
}

/** Makes it as a config asks for, or changes the one that is there. */
export async function createFoundation(
  session: Session,
  config: FoundationConfig,
): Promise<{ readonly id: string; readonly operation: string }> {
  const { foundation: id } = await session.bind(config.provider);
  if (id === undefined) throw noFoundation(config.provider.name);
  return { id, operation: await runMake(session, inputOf(id, config, true)) };
}

export function readFoundation(session: Session, id: string): Promise<Stored<FoundationDocument> | undefined> {
  return session.briefly(`read foundation ${id}`, (call) => session.documents.foundations.get(id, call));
}

export function noFoundation(provider: string): ProviderError {
  return new ProviderError('unsupported', `provider "${provider}" needs no foundation`, {
    path: 'provider',
    effect: 'none',
    hint: 'nothing has to be made before the first environment',
  });
}

async function runMake(session: Session, input: MakeInput): Promise<string> {
  const run = await startOperation(session.operations, { kind: 'foundation', subject: input.id, input });
  await run.conclude(() => makeFoundation(session, run, input));
  return run.id;
}

async function workTreeConfigWith(
  { options }: Session,
  provider: { readonly name: string; readonly config: unknown },
): Promise<FoundationConfig> {
  const [{ loadConfig }, { workTreeConfig }] = await Promise.all([
    import('../config/load.ts'),
    import('../host/project-name.ts'),
  ]);
  const { config } = await loadConfig(await workTreeConfig(options));
  return { ...config, provider: plain(provider) };
}

/** Whole, and in nobody's hand. */
function isFree(document: FoundationDocument): boolean {
  return document.owner === undefined && document.phase === 'ready' && !isUnmade(document);
}

function inputOf(id: string, { provider, dns, domain }: FoundationConfig, changes: boolean): MakeInput {
  const { name, config } = provider;
  return {
    id,
    provider: { name, config },
    changes,
    ...(dns && { dns: { name: dns.name, config: dns.config } }),
    ...(domain !== undefined && { domain }),
  };
}

function configOf({ provider, dns, spec }: FoundationDocument): FoundationConfig {
  return {
    provider: plain(provider),
    ...(dns && { dns: plain(dns) }),
    ...(spec.domain !== undefined && { domain: spec.domain }),
  };
}

function plain({ name, config }: { readonly name: string; readonly config?: unknown }): FoundationConfig['provider'] {
  return { name, config: { ...(config as Readonly<Record<string, unknown>>) } }; // as a config gave it out
}

function tellDifferences(
  session: Session,
  document: FoundationDocument,
  config: FoundationConfig,
  bound: BoundProvider,
): void {
  const keys = changedKeys(document, config, foundationSpec(session, config, bound));
  if (document.error) {
    session.emit({
      type: 'warning',
      message: `the last change of the foundation ${document.id} failed: ${document.error.message}`,
      hint: 'clusternator foundation create tries it again',
    });
  } else if (keys.length > 0) {
    session.emit({
      type: 'warning',
      message: `the foundation ${document.id} was made from another config: ${keys.join(', ')}`,
      hint: 'clusternator foundation create changes it to what the config of the work tree says',
    });
  }
}
