import type { Health, Instances } from '../environment/environment.ts';
import type { Session } from '../host/session.ts';
import type { EnvironmentDocument } from '../state/documents.ts';
import { environmentDriver } from './gate.ts';
import { asProviderError, membersOf, type SlotWork } from './work.ts';

const SCALE_SECONDS = 120;

/** Whether something runs on the head alone. */
export async function hasHeadServices({ session, hold }: SlotWork): Promise<boolean> {
  const members = await membersOf(session, hold.slot);
  return [...members.values()].some((member) => Object.keys(headServices(member)).length > 0);
}

/** `runOn: head`: workers stop on the former heads, then start on the new one. */
export async function runOnHead(work: SlotWork, usedBefore: ReadonlySet<string>): Promise<void> {
  const { session, hold } = work;
  const members = await membersOf(session, hold.slot, [...usedBefore]);
  const others = [...members.values()].filter(({ id }) => id !== hold.slot.head);
  for (const other of others) await scale(work, other, stopped(headServices(other)));
  const head = hold.slot.head === undefined ? undefined : members.get(hold.slot.head);
  if (head) await scale(work, head, headServices(head));
}

/** By service: how many run of it on the head. */
function headServices({ config }: EnvironmentDocument): Record<string, Instances> {
  const services = Object.entries(config?.services ?? {}).filter(([, { runOn }]) => runOn === 'head');
  return Object.fromEntries(services.map(([name, { instances }]) => [name, instances]));
}

function stopped(services: Readonly<Record<string, Instances>>): Record<string, Instances> {
  return Object.fromEntries(Object.keys(services).map((name) => [name, { min: 0, max: 0 }]));
}

async function scale(work: SlotWork, member: EnvironmentDocument, services: Record<string, Instances>): Promise<void> {
  const { environment, phase } = member;
  if (Object.keys(services).length === 0 || !environment || phase !== 'ready') return;
  try {
    const driver = await environmentDriver(work.session, member);
    await work.session.briefly(
      `scale ${member.id}`,
      async (call) => driver.scale?.(environment, services, call),
      SCALE_SECONDS,
    );
  } catch (error) {
    // Traffic has moved; workers follow when it is tried again.
    work.warnings.push(`the services of ${member.id} that run on the head alone: ${asProviderError(error).message}`);
  }
}

/** Of a standby: which services are smaller than its config has them, and what its provider said of it just now, where it was asked. */
export interface Size {
  readonly small: Readonly<Record<string, Instances>>;
  readonly said?: Health;
}

export async function sizeOf(session: Session, member: EnvironmentDocument): Promise<Size> {
  const { environment, spec, config } = member;
  const wanted = Object.entries(config?.services ?? {}).filter(([, { runOn }]) => runOn === 'every');
  if (!environment || !spec || wanted.length === 0) return { small: {} };
  const driver = await environmentDriver(session, member);
  const said = await session.briefly(`look at ${member.id}`, (call) => driver.health(environment, call));
  const small = wanted.flatMap(([name, { instances }]) =>
    (said.parts[name]?.instances ?? instances.min) < instances.min ? [[name, instances] as const] : [],
  );
  return { small: Object.fromEntries(small), said };
}

/** Brings a standby to the size that its config gives it, before traffic comes. */
export async function scaleUp(session: Session, member: EnvironmentDocument, { small }: Size): Promise<void> {
  const { environment } = member;
  if (!environment) return;
  const driver = await environmentDriver(session, member);
  await session.briefly(`scale ${member.id}`, async (call) => driver.scale?.(environment, small, call), SCALE_SECONDS);
}
