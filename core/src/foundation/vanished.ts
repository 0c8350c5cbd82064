import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import { readFoundation } from './ensure.ts';
import { foundationDriver } from './outputs.ts';

/**
 * Where something was not found that an environment needs, looks whether what it stands on is still there. Where all of that is gone, the state
 * says so from here on, and the next command makes it again.
 */
export async function noteIfVanished(
  session: Session,
  provider: { readonly name: string; readonly config: unknown },
  error: unknown,
): Promise<void> {
  if (!ProviderError.is(error) || error.code !== 'not-found') return;
  const bound = await session.bind(provider);
  const { foundation: id } = bound;
  const found = id === undefined ? undefined : await readFoundation(session, id);
  if (id === undefined || !found?.document.foundation || found.document.owner) return;
  const { spec, foundation } = found.document;
  const driver = await foundationDriver(bound);
  const ref = { id: spec.id, handle: foundation.handle };
  if (await session.briefly(`look at the foundation ${id}`, (call) => driver.read(ref, call))) return;
  const message = `the foundation ${id} is gone: somebody removed it`;
  await session.briefly(`write foundation ${id}`, (call) =>
    session.documents.foundations.update(
      id,
      (now) => {
        if (now.owner || now.readyAt !== found.document.readyAt) return undefined; // it was made again meanwhile
        const { foundation: _, ...rest } = now;
        return { ...rest, phase: 'failed', error: { code: 'not-found', message } };
      },
      call,
    ),
  );
  session.foundations.forget(id);
  session.emit({ type: 'warning', message, hint: 'the next command that needs it makes it again' });
}
