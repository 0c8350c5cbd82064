import type { Connection, FoundationDriver } from '@clusternator/core/provider';
import type { FoundationConfig } from './config.ts';
import { once } from './once.ts';
import { outputsSchema, type AwsFoundation } from './outputs.ts';
import { shapeOf } from './shape.ts';
import { tellParts } from './tell-parts.ts';

/** What a foundation gives to others and consists of is known without a call: the SDKs are loaded by the first verb. */
export function openFoundation({ config, host }: Connection<FoundationConfig, undefined>) {
  const verbs = once(async () => {
    const [{ AwsFoundations }, { containers }, { openClients }] = await Promise.all([
      import('./aws-foundations.ts'),
      import('./containers.ts'),
      import('./clients.ts'),
    ]);
    return new AwsFoundations(containers, await openClients(config, host), host, config);
  });
  return {
    outputs: outputsSchema,
    parts: ({ domain }) => tellParts(shapeOf(config, domain)),
    ensure: async (spec, call) => (await verbs()).ensure(spec, call),
    read: async (ref, call) => (await verbs()).read(ref, call),
    async *list(call) {
      yield* (await verbs()).list(call);
    },
    destroy: async (ref, call) => (await verbs()).destroy(ref, call),
    plan: async (spec, call) => (await verbs()).plan(spec, call),
  } satisfies FoundationDriver<AwsFoundation>;
}
