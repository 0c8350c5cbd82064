import type { Variables } from '../source/git.ts';
import { connectDocker } from './docker-engine.ts';
import { EngineImages } from './engine-images.ts';

/** What core does with images, on the engine of this machine. @throws ProviderError as `connectDocker`. */
export async function openImageBuilder(options: {
  readonly env: Variables;
  readonly signal?: AbortSignal;
}): Promise<EngineImages> {
  const engine = await connectDocker(options.env, options.signal ?? new AbortController().signal);
  return new EngineImages(engine, options.env);
}
