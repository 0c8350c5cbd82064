import { resourceIdOf } from '../../environment/life.ts';
import { testCall } from '../../state/testing/call.ts';
import { environmentDocumentSchema, type EnvironmentDocument } from '../../state/documents.ts';
import { releaseDocumentSchema, slotDocumentSchema, type SlotDocument } from '../documents.ts';
import { releaseId } from '../ledger.ts';
import { usedBy } from '../moves.ts';
import type { World } from './world.ts';

/** Watches what has to hold at every moment; what does not is noted. */
export function watchWorld(world: World): { readonly problems: string[] } {
  const problems: string[] = [];
  const slots = new Map<string, SlotDocument>();
  const environments = new Map<string, EnvironmentDocument>();
  const heads = new Map<string, string | undefined>();
  world.cloud.onServe = (slot, ids) => {
    for (const id of ids)
      if (!world.cloud.running.has(id)) problems.push(`${slot} was routed to ${id}, which does not run`);
    const document = slots.get(slot);
    const named = [document?.head, document?.to, document?.left].map((one) => one?.replaceAll(/[@.]/g, '-'));
    for (const id of ids)
      if (document && !named.includes(id.replace(/-\d+$/, '')))
        problems.push(`${slot} was routed to ${id} before that was written`);
    if (ids.length === 0 && slots.get(slot)?.head !== undefined) problems.push(`${slot} lost its route`);
  };
  world.cloud.onDestroy = (id) => {
    for (const slot of world.cloud.slots.keys())
      if (world.cloud.slots.get(slot)?.routes.some(({ handle }) => handle.id === id))
        problems.push(`${id} was destroyed while the routes of ${slot} led to it`);
  };
  world.cloud.onEnd = (slot) => {
    const document = slots.get(slot);
    if (document?.head !== undefined && document.kind !== 'destroy')
      problems.push(`${slot} was taken from under its head`);
  };
  const onSlot = (next: SlotDocument): void => {
    const { name, generation, head } = next;
    const before = slots.get(name);
    slots.set(name, next);
    if (before && next.epoch < before.epoch) problems.push(`the epoch of ${name} fell`);
    if (before && generation < before.generation) problems.push(`the generation of ${name} fell`);
    const key = `${name}/${String(generation)}`;
    if (heads.has(key) && heads.get(key) !== head) problems.push(`${key} has had two heads`);
    heads.set(key, head);
    if (next.destroyed && before?.head !== undefined) world.ends.add(key);
    if (next.kind === 'rollback' && next.rejected.some(({ environment }) => environment === next.to))
      problems.push(`${name} goes back to a rejected one`);
  };
  world.onPut = (key, value) => {
    const document: unknown = JSON.parse(value);
    if (key.startsWith('slot/')) onSlot(slotDocumentSchema.unwrap().loose().parse(document)); // with its write id
    if (key.startsWith('release/')) {
      const { slot, generation } = releaseDocumentSchema.unwrap().loose().parse(document);
      if (generation > (slots.get(slot)?.generation ?? Infinity))
        problems.push(`the ledger of ${slot} was at ${String(generation)} before the slot was`);
    }
    if (!key.startsWith('env/')) return;
    const environment = environmentDocumentSchema.loose().parse(document);
    const { id, phase } = environment;
    const before = environments.get(id);
    environments.set(id, environment);
    for (const slot of slots.values()) {
      const had = Object.keys(before?.pins[slot.name] ?? {});
      const has = Object.keys(environment.pins[slot.name] ?? {});
      const { owner, ...kept } = slot;
      if (has.length === 0 && had.length > 0 && usedBy(kept).has(id))
        problems.push(`${id} lost the pin of ${slot.name}, which keeps it`);
      // One that was made for the slot is made anew under it.
      const isOwners = owner !== undefined && had.includes(owner.operation) && !has.includes(owner.operation);
      if (isOwners && slot.to === id && environment.slot === undefined)
        problems.push(`${id} lost the pin of ${slot.name}, which is about to use it`);
    }
    if (phase !== 'destroying') return;
    for (const slot of slots.values()) {
      const { owner: _, ...kept } = slot; // what an operation only is about to use may turn out to be going
      if (usedBy(kept).has(id)) problems.push(`${id} is destroyed although ${slot.name} keeps it`);
    }
  };
  return { problems };
}

/** What has to hold when nothing is going on: routes, documents and ledger agree, and no pin is left over. */
export async function checkAtRest(world: World): Promise<readonly string[]> {
  const problems: string[] = [];
  const slots: SlotDocument[] = [];
  const { slots: store, environments, releases } = world.documents;
  for await (const { document } of store.list(testCall())) slots.push(document);
  const all = new Map<string, Awaited<ReturnType<World['environmentDocument']>>>();
  for await (const { id, document } of environments.list(testCall())) all.set(id, document);

  for (const slot of slots) {
    const { name, head, generation } = slot;
    if (slot.destroyed && world.cloud.slots.has(name)) problems.push(`${name} was destroyed, and is there`);
    const document = head === undefined ? undefined : all.get(head);
    const wanted = document ? [resourceIdOf(document)] : [];
    const live = world.cloud.live(name);
    if (JSON.stringify(live) !== JSON.stringify(wanted))
      problems.push(`${name} serves ${live.join()}, not ${wanted.join()}`);
    for (const id of usedBy(slot)) {
      const member = all.get(id);
      if (member?.phase !== 'ready') problems.push(`${name} keeps ${id}, which is ${member?.phase ?? 'unknown'}`);
      else if (!world.cloud.running.has(resourceIdOf(member))) problems.push(`${name} keeps ${id}, which does not run`);
      if (!member?.pins[name]) problems.push(`${name} keeps ${id} without a pin`);
    }
    for (let at = 1; at <= generation; at++) {
      if (world.ends.has(`${name}/${String(at)}`)) continue; // to have no head is a generation without a release
      if (!(await releases.get(releaseId(name, at), testCall()))) problems.push(`${name} has no release ${String(at)}`);
    }
    const newest = await releases.get(releaseId(name, generation), testCall());
    if (newest && newest.document.environment !== head)
      problems.push(`${name}: the ledger says ${newest.document.environment}, not ${head ?? ''}`);
    if (await releases.get(releaseId(name, generation + 1), testCall()))
      problems.push(`${name} has a release that never was`);
  }
  for (const [id, { pins }] of all) {
    for (const name of Object.keys(pins)) {
      const slot = slots.find((one) => one.name === name);
      if (!usedBy(slot).has(id)) problems.push(`${id} is pinned by ${name}, which does not use it`);
    }
  }
  return problems;
}

/** What has to hold of disks when nothing is going on: the head of each slot alone has those of its slot, as their documents say. */
export async function checkDisksAtRest(world: World): Promise<readonly string[]> {
  const problems: string[] = [];
  const { slots, environments, volumes } = world.documents;
  for await (const { document: slot } of slots.list(testCall())) {
    if (slot.head === undefined) continue;
    const head = await environments.get(slot.head, testCall());
    for await (const { id, document } of volumes.list(testCall())) {
      if (document.slot !== slot.name || document.spec.kind !== 'disk') continue;
      const wanted = head ? [`${resourceIdOf(head.document)}/db`] : [];
      const holders = world.cloud.holdersOf(id);
      if (JSON.stringify(holders) !== JSON.stringify(wanted))
        problems.push(`${id} is with ${holders.join()}, not with ${wanted.join()}`);
      if (document.holder !== slot.head)
        problems.push(`${id} is with ${document.holder ?? ''} by its document, not with ${slot.head}`);
    }
  }
  return problems;
}
