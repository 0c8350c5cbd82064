import type { WireTarget } from '@clusternator/conformance';
import type { Foundation, FoundationDriver, Host } from '@clusternator/core/provider';
import type { z } from 'zod';

/** The variable that has the outputs of a foundation which was made beside the driver: also processes that get killed stand on it. */
const GIVEN_FOUNDATION = 'KIT_FOUNDATION';

/** The variables of whoever works on an emulator, on a foundation that is given. */
export function givenEnvironment(
  front: WireTarget,
  region: string,
  { accessKeyId, secretAccessKey }: { readonly accessKeyId: string; readonly secretAccessKey: string },
  foundation: object,
): Record<string, string> {
  return {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_REGION: region,
    AWS_ENDPOINT_URL: 'url' in front ? front.url : '',
    [GIVEN_FOUNDATION]: JSON.stringify(foundation),
  };
}

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
