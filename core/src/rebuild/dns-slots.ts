import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import { slotSettings, slotSpec } from '../slot/settings.ts';
import { leadsTo, type Members } from '../slot/traffic.ts';
import type { EnvironmentDocument } from '../state/documents.ts';
import type { SlotDocument } from '../slot/documents.ts';
import type { SlotSpec } from '../slot/slot.ts';
import type { Planned } from './environments.ts';
import { slotDocument } from './slots.ts';

/**
 * The slots by DNS. Records carry no tags: which there are is told by the configs of the environments, and each is found by the names that it has
 * there. The environment that its own config's names lead to is its head.
 */
export async function dnsSlotsOf(session: Session, members: Members): Promise<readonly Planned<SlotDocument>[]> {
  const newestFirst = [...members.values()].sort((a, b) => b.createdAt.localeCompare(a.createdAt));
  const found = new Map<string, Planned<SlotDocument>>();
  for (const environment of newestFirst) {
    for (const name of Object.keys(environment.config?.slots ?? {})) {
      const known = found.get(name);
      if (known?.document.head !== undefined) continue;
      const planned = await dnsSlotOf(session, name, environment, members);
      if (planned) found.set(name, planned);
    }
  }
  return [...found.values()];
}

/**
 * By the names that an environment's config gives it. Where they lead to another environment, that one's config has the last word.
 * @param reading - `last`: this is that one.
 * @returns Undefined: it does not move by DNS, or those names say nothing of us.
 */
export async function dnsSlotOf(
  session: Session,
  name: string,
  environment: EnvironmentDocument,
  members: Members,
  reading: 'first' | 'last' = 'first',
): Promise<Planned<SlotDocument> | undefined> {
  const settings = await slotSettings(session, name, environment);
  if (settings.mechanism !== 'dns') return undefined;
  const { provider } = environment;
  const { dns } = settings.config;
  const spec = slotSpec(session, name, settings, [environment]);
  const live = await readByNames(session, dns ?? provider, spec);
  if (!live) return undefined;
  const serving = { ...live, routes: live.routes.filter(({ percent }) => percent > 0) };
  const head = [...members.values()].find((one) => leadsTo(serving, one));
  if (reading === 'first' && head && head.id !== environment.id && head.config?.slots[name]) {
    const own = await dnsSlotOf(session, name, head, members, 'last');
    if (own) return own;
  }
  return slotDocument(session, live, members, { mechanism: 'dns', provider, spec, ...(dns && { dns }) });
}

async function readByNames(
  session: Session,
  provider: { readonly name: string; readonly config: unknown },
  spec: SlotSpec,
) {
  const { dnsSlots } = await import('../slot/dns-slots.ts');
  try {
    const { driver } = await dnsSlots(session, provider, () => Promise.resolve(spec));
    return await session.briefly(`look at the records of ${spec.id}`, (call) => driver.read(spec, call));
  } catch (error) {
    // Names in no zone that there is were never given to a slot.
    if (ProviderError.is(error) && error.code === 'not-found') return undefined;
    throw error;
  }
}
