import type { WireCall } from '@clusternator/conformance';
import { expect } from '@jest/globals';
import type { Config, FoundationScene, Tenant } from './foundation-scene.ts';

export const isMutation = ({ mutation }: WireCall): boolean => mutation !== undefined;

/**
 * Does it by processes of which each dies at the first call that changes something: it was carried out, its answer never came, and whatever else
 * was under way was not sent. @returns The calls at which one died.
 */
export async function dyingAtEveryCall<F>(
  scene: FoundationScene<F>,
  operation: string,
  work: (by: Tenant<F>) => Promise<unknown>,
  config: Config = {},
): Promise<readonly WireCall[]> {
  for (const deaths: WireCall[] = []; ;) {
    const before = scene.wire.mutations;
    const first = ({ mutation }: WireCall): boolean => mutation === before + 1;
    const lifts = [
      scene.wire.impose({ when: first, fault: { kind: 'reset', after: true } }),
      scene.wire.impose({ when: (call) => isMutation(call) && !first(call), fault: { kind: 'reset', after: false } }),
    ];
    const at = scene.wire.calls.length;
    const died = await work(scene.tenant(config, {}, operation)).then(
      () => false,
      () => true,
    );
    for (const lift of lifts) lift();
    const call = scene.wire.since(at).find(first);
    expect(died).toBe(call !== undefined);
    if (!call) return deaths;
    deaths.push(call);
  }
}
