import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

/** What a provider package's manifest says, read without running any of its code. */
export interface ProviderSource {
  /** As in `provider: <id>`. */
  readonly id: string;
  /** The package's name and version. */
  readonly package: string;
  readonly version: string;
  /** The package's folder. */
  readonly root: string;
  /** Relative to `root`. */
  readonly entry: string;
  /** The range of core versions that it was made for. */
  readonly sdk: string;
  /** It came with the program that loads it, and is as well tested: it is not tried in a process of its own first. */
  readonly comesAlong?: boolean;
}

const manifestSchema = z.object({
  name: z.string(),
  version: z.string(),
  clusternator: z
    .object({ provider: z.object({ id: z.string(), entry: z.string().startsWith('./'), sdk: z.string() }).optional() })
    .optional(),
});

/**
 * Reads the `clusternator.provider` key of a package.json.
 * @returns Undefined when the package is no provider, or its manifest can't be read: what nobody chose must not break a command.
 */
export function providerSourceOf(root: string, packageJson: unknown): ProviderSource | undefined {
  const manifest = manifestSchema.safeParse(packageJson);
  const provider = manifest.data?.clusternator?.provider;
  if (!manifest.success || !provider) return undefined;
  return { ...provider, package: manifest.data.name, version: manifest.data.version, root };
}

/** As `providerSourceOf`, for a package in a folder. */
export async function readProviderSource(root: string): Promise<ProviderSource | undefined> {
  try {
    return providerSourceOf(root, JSON.parse(await readFile(join(root, 'package.json'), 'utf8')));
  } catch {
    return undefined;
  }
}
