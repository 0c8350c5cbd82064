import type { CallOptions, Tenant } from '../kit/tenant.ts';
import type { Trial } from '../kit/trial.ts';
import type { WireCall } from '../proxy/wire.ts';
import type { Moment } from './lab.ts';

/** More than any work has calls: one that gets nowhere ends here. */
const MOST_PROCESSES = 500;

/**
 * Does a work by drivers of which each is cut off from the cloud for good at one of its mutating calls, and the next goes on: so there is one
 * for each call, however many they are. To the cloud that is what a process is that was killed, and it costs no new process.
 * `before`: the first sends nothing, and of each other one call is carried out, and the next never sent.
 * @param work - It has no retries of its own, so that what was cut off ends.
 * @returns The calls at which one was cut off.
 * @throws what was thrown where nothing was cut off.
 */
export async function cutOffAtEveryCall(
  t: Trial,
  moment: Moment,
  work: (by: Tenant, options: CallOptions) => Promise<unknown>,
): Promise<readonly WireCall[]> {
  const cuts: WireCall[] = [];
  while (cuts.length < MOST_PROCESSES) {
    const cut = await cutOff(t, { moment, nth: moment === 'before' && cuts.length > 0 ? 2 : 1 }, work);
    if (!cut) return cuts;
    cuts.push(cut);
  }
  throw new Error(`after ${String(MOST_PROCESSES)} that were cut off it is not done`);
}

/** @returns The call at which it was cut off. Undefined: it was done before. */
async function cutOff(
  t: Trial,
  { moment, nth }: { readonly moment: Moment; readonly nth: number },
  work: (by: Tenant, options: CallOptions) => Promise<unknown>,
): Promise<WireCall | undefined> {
  const { wire } = t;
  const [from, target] = [wire.calls.length, wire.mutations + nth];
  const isIt = (call: WireCall): boolean => call.mutation === target;
  const lifts = [
    ...(moment === 'answered'
      ? []
      : [wire.impose({ when: isIt, fault: { kind: 'reset', after: moment === 'after' } })]),
    wire.impose({
      when: (call) => wire.mutations >= target && !isIt(call),
      fault: { kind: 'reset', after: false },
    }),
  ];
  const by = t.tenant();
  const end = new AbortController();
  try {
    await work(by, { signal: end.signal, attempts: 1 });
  } catch (error) {
    if (wire.mutations < target) throw error;
  } finally {
    end.abort();
    await wire.idle();
    for (const lift of lifts) lift();
  }
  return wire.since(from).find(isIt);
}
