import type { ProjectConfig } from '../config/schema.ts';
import type { BoundProvider } from '../host/drivers.ts';
import type { Session } from '../host/session.ts';
import { fingerprint } from '../names/fingerprint.ts';
import { tagsFor } from '../names/tags.ts';
import type { FoundationSpec } from '../provider/foundation.ts';
import type { FoundationDocument } from './documents.ts';

/** As much of a config as tells of a foundation. */
export type FoundationConfig = Pick<ProjectConfig, 'provider'> & Partial<Pick<ProjectConfig, 'dns' | 'domain'>>;

/** One a project, stage and place: the driver's connection leads to the place. */
const RESOURCE_ID = 'main';

/** What a config asks its provider for. */
export function foundationSpec(
  session: Pick<Session, 'project' | 'stage'>,
  { provider, domain: configured }: FoundationConfig,
  bound: BoundProvider,
): FoundationSpec {
  const domain = bound.provider.domain ?? configured;
  const print = fingerprint({ config: provider.config, domain });
  return {
    id: RESOURCE_ID,
    fingerprint: print,
    tags: tagsFor(session, { type: 'foundation', id: RESOURCE_ID, fingerprint: print }),
    ...(domain !== undefined && { domain }),
  };
}

/** The keys of a config that say something else than those that a foundation was asked for by. */
export function changedKeys(document: FoundationDocument, config: FoundationConfig, spec: FoundationSpec): string[] {
  const before = keysOf(document.provider.config);
  const now = keysOf(config.provider.config);
  const keys = [...new Set([...Object.keys(before), ...Object.keys(now)])].sort();
  const changed = keys.filter((key) => fingerprint({ value: before[key] }) !== fingerprint({ value: now[key] }));
  return [...changed.map((key) => `provider.${key}`), ...(document.spec.domain === spec.domain ? [] : ['domain'])];
}

function keysOf(config: unknown): Readonly<Record<string, unknown>> {
  return typeof config === 'object' && config !== null ? { ...config } : {};
}
