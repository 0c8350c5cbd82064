import type { Foundation, FoundationDriver, Host } from '@clusternator/core/provider';
import type { z } from 'zod';

/** The variable that has the outputs of a foundation which was made beside the driver: also processes that get killed stand on it. */
export const GIVEN_FOUNDATION = 'KIT_FOUNDATION';

/** One that is there, and nobody's to remove. */
export function givenFoundation<F>(host: Host, outputsSchema: z.ZodType<F>): Promise<FoundationDriver<F>> {
  const outputs = outputsSchema.parse(JSON.parse(host.env[GIVEN_FOUNDATION] ?? ''));
  const made: Foundation<F> = { id: 'main', phase: 'active', handle: {}, outputs };
  return Promise.resolve({
    outputs: outputsSchema,
    ensure: () => Promise.resolve(made),
    read: () => Promise.resolve(undefined),
    async *list() {
      yield* [];
    },
    destroy: () => Promise.resolve(),
  });
}
