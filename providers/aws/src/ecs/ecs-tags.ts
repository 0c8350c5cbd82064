import type { Tag } from '@aws-sdk/client-ecs';
import { fromAwsTags } from '../storage/aws-tags.ts';

/** Names of our own beside core's tags, which all begin with `clusternator_`. */
export const SERVICE_TAG = 'service_name';
export const SERVICES_TAG = 'service_count';
export const HOST_TAG = 'host_name';
export const ROUTE_TAG = 'route';
export const INSTANCES_TAG = 'instances';
export const RULE_TAG = 'rule';
export const SECRET_TAG = 'secret';
/** What it was made to run, and the revision that says so: another revision is somebody else's doing. */
export const IMAGE_TAG = 'image';
export const REVISION_TAG = 'task_definition';

/** ECS alone writes them in lower case. */
export function toEcsTags(tags: Readonly<Record<string, string>>): Tag[] {
  return Object.entries(tags).map(([key, value]) => ({ key, value }));
}

export function fromEcsTags(tags: readonly Tag[] | undefined): Readonly<Record<string, string>> {
  return fromAwsTags((tags ?? []).map(({ key, value }) => ({ Key: key, Value: value })));
}
