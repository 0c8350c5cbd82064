import type { FoundationConfig } from '../foundation/ask.ts';
import type { Foundations } from './foundations.ts';
import type { Session } from './session.ts';
import { sessionWith } from './session-with.ts';

/**
 * The foundations of an opened project. What a verb needs is loaded when it is called.
 * @param configured - The work tree's config.
 */
export function openFoundations(session: Session, configured: () => Promise<FoundationConfig>): Foundations {
  const view = () => import('../foundation/view.ts');
  return {
    async list() {
      const { listFoundations } = await view();
      return listFoundations(session);
    },
    async show(id) {
      const { showFoundation } = await view();
      return showFoundation(session, await configured(), id);
    },
    async create({ signal } = {}) {
      const { createFoundation } = await import('../foundation/ensure.ts');
      const { id, operation } = await createFoundation(sessionWith(session, signal), await configured());
      const { recordedFoundation } = await view();
      return { operation, foundation: await recordedFoundation(session, id) };
    },
    async destroy({ id, signal } = {}) {
      const [{ destroyFoundation }, { idOf }] = await Promise.all([import('../foundation/destroy.ts'), view()]);
      const wanted = id ?? idOf(await session.bind((await configured()).provider));
      return { ...(await destroyFoundation(sessionWith(session, signal), wanted)), id: wanted };
    },
    async plan() {
      const { planFoundation } = await view();
      return planFoundation(session, await configured());
    },
  };
}
