import type { Fault, Wire } from '@clusternator/conformance';

/** When a process dies of a call that changes something. */
export const MOMENTS: readonly (readonly [string, Fault])[] = [
  ['before it is sent', { kind: 'reset', after: false }],
  ['after it was carried out, and before its answer', { kind: 'reset', after: true }],
];

/** Does it, dying at its nth mutating call; then again, as another process would. @returns Whether there was such a call. */
export async function interrupted<T>(
  scene: { readonly wire: Wire; tenant(): Promise<T> },
  work: (by: T) => Promise<unknown>,
  nth: number,
  fault: Fault,
): Promise<boolean> {
  const target = scene.wire.mutations + nth;
  const lift = scene.wire.impose({ when: ({ mutation }) => mutation === target, fault, times: 1 });
  const died = await work(await scene.tenant()).then(
    () => false,
    () => true,
  );
  lift();
  await work(await scene.tenant());
  return died;
}
