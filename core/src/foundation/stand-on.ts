import type { Session } from '../host/session.ts';
import type { FoundationConfig } from './ask.ts';

/**
 * Sees that what is about to be made has a foundation to stand on: the first that needs one makes it. A provider that needs none is asked nothing.
 * @param config - That it would be made by. Left out: the work tree's, with this provider.
 * @throws ProviderError what making it throws.
 */
export async function standOnFoundation(
  session: Session,
  provider: { readonly name: string; readonly config: unknown },
  config?: FoundationConfig,
): Promise<void> {
  const bound = await session.bind(provider);
  if (bound.foundation === undefined) return;
  const { ensureFoundation } = await import('./ensure.ts');
  await ensureFoundation(session, bound, bound.foundation, provider, config);
}
