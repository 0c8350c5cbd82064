import {
  ProviderError,
  type Call,
  type ResourceRef,
  type Route,
  type Slot,
  type SlotDriver,
  type SlotSpec,
} from '@clusternator/core/provider';
import {
  areWhole,
  heldText,
  isServedFor,
  recordsOf,
  surplusOf,
  type HostCertificates,
  type SlotCertificates,
} from './host-certificates.ts';
import { knownRules, listenerOfSlot } from './slot-handle.ts';

/** On the slot's rules, before there is a certificate and until there is none: whether it has some, and whether all are served. */
const TAG = 'clusternator_certificates';
const HANDLE = 'certificates';
type State = 'pending' | 'served' | 'none';

/** Slots with certificates for host names outside of the foundation's domain. One without such names asks for nothing more. */
export class CertifiedSlots implements SlotDriver {
  constructor(
    private readonly slots: SlotDriver,
    private readonly certificates: HostCertificates,
  ) {}

  async ensure(spec: SlotSpec, call: Call): Promise<Slot> {
    const needed = this.certificates.neededFor(spec);
    if (needed.length === 0) {
      const slot = await this.slots.ensure(spec, call);
      return hasSome(slot) ? this.withoutAny(spec, call) : shown(slot);
    }
    const before = await this.certificates.look(spec.id, needed, call);
    const slot = await this.slots.ensure(tagged(spec, areWhole(before) ? 'served' : 'pending'), call);
    if (areWhole(before)) return withRecords(slot, before);
    const surplus = surplusOf(before);
    const held = await this.certificates.remove(surplus, call);
    const kept = { needed, found: before.found.filter((one) => !surplus.includes(one)) };
    const after = await this.certificates.make(spec, kept, listenerOfSlot(slot.handle), call);
    if (held.length > 0) return { ...withRecords(slot, after), phase: 'creating', message: heldText(held) };
    return withRecords(areWhole(after) ? await this.slots.ensure(tagged(spec, 'served'), call) : slot, after);
  }

  async read(ref: ResourceRef, call: Call): Promise<Slot | undefined> {
    const slot = await this.slots.read(ref, call);
    return slot && shown(slot);
  }

  async *list(call: Call): AsyncGenerator<Slot> {
    for await (const slot of this.slots.list(call)) yield shown(slot);
  }

  /**
   * The certificates first: the rules tell that there are some. A handle that was read tells it where there are none.
   * @throws ProviderError `unavailable`: one is still held.
   */
  async destroy(ref: ResourceRef, call: Call): Promise<void> {
    if (ref.handle?.[HANDLE] !== ('none' satisfies State)) await this.removeOf(ref, call);
    await this.slots.destroy(ref, call);
  }

  async route(slot: Slot, routes: readonly Route[], stamp: string, call: Call): Promise<Slot> {
    const routed = await this.slots.route(slot, routes, stamp, call);
    const { [HANDLE]: state } = slot.handle;
    return state === undefined ? routed : { ...routed, handle: { ...routed.handle, [HANDLE]: state } };
  }

  private async removeOf(ref: ResourceRef, call: Call): Promise<void> {
    const slot = await this.slots.read(ref, call);
    if (!slot || !hasSome(slot) || !isMeant(ref, slot)) return;
    const { found } = await this.certificates.look(ref.id, [], call);
    const held = await this.certificates.remove(found, call);
    if (held.length > 0) throw new ProviderError('unavailable', heldText(held));
  }

  private async withoutAny(spec: SlotSpec, call: Call): Promise<Slot> {
    const { found } = await this.certificates.look(spec.id, [], call);
    const held = await this.certificates.remove(found, call);
    if (held.length === 0) return shown(await this.slots.ensure(tagged(spec, 'none'), call));
    return { ...shown(await this.slots.ensure(tagged(spec, 'pending'), call)), message: heldText(held) };
  }
}

function tagged(spec: SlotSpec, state: State): SlotSpec {
  return { ...spec, tags: { ...spec.tags, [TAG]: state } };
}

function hasSome({ tags }: Slot): boolean {
  const state = tags?.[TAG];
  return state === 'pending' || state === 'served';
}

/** A slot that was made anew since it was read has rules of other ARNs. */
function isMeant({ handle }: ResourceRef, slot: Slot): boolean {
  if (!handle) return true;
  const known = new Set(knownRules(handle).map(({ arn }) => arn));
  return knownRules(slot.handle).some(({ arn }) => known.has(arn));
}

/** As a slot is told: it is on its way until its names have their certificates. */
function shown({ tags: { [TAG]: state, ...tags } = {}, ...slot }: Slot): Slot {
  const handle = { ...slot.handle, [HANDLE]: state ?? ('none' satisfies State) };
  return { ...slot, tags, handle, ...(state === 'pending' && { phase: 'creating' as const }) };
}

/** A name leads here once there is a certificate for it: whoever serves it until then goes on. */
function withRecords(slot: Slot, certificates: SlotCertificates): Slot {
  const { needed, found } = certificates;
  const waiting = needed.filter((host) => !isServedFor(host, found));
  const names = (slot.records ?? []).filter(({ name }) => !waiting.includes(name));
  const messages = found.flatMap(({ message }) => message ?? []);
  return {
    ...shown(slot),
    records: [...recordsOf(certificates), ...names],
    ...(waiting.length > 0 && {
      phase: 'creating' as const,
      message: messages[0] ?? `there is no certificate yet for ${waiting.join(', ')}`,
    }),
  };
}
