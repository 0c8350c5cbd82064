import type { EnvironmentSpec } from '@clusternator/core/provider';
import { z } from 'zod';
import { ownHosts } from '../environment-spec.ts';

/** What the bucket tells of an environment: whose it is, and of what it consists. */
const documentSchema = z.strictObject({
  schema: z.literal(1),
  id: z.string(),
  tags: z.record(z.string(), z.string()),
  hosts: z.array(z.string()),
  /** Of all its sites. */
  files: z.int().nonnegative(),
  sites: z.record(z.string(), z.strictObject({ digest: z.string() })),
});

export type EnvironmentDocument = z.output<typeof documentSchema>;

export function documentFor(spec: EnvironmentSpec, files: number): EnvironmentDocument {
  const sites = Object.entries(spec.sites).map(([name, { artefact }]) => [name, { digest: artefact.digest }] as const);
  return {
    schema: 1,
    id: spec.id,
    tags: spec.tags,
    hosts: [...ownHosts(spec)],
    files,
    sites: Object.fromEntries(sites),
  };
}

/** Undefined: it is not as we write them, and so none of ours. */
export function parseDocument(text: string): EnvironmentDocument | undefined {
  try {
    return documentSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined; // it is no JSON
  }
}
