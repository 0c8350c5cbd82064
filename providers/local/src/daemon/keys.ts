import { createHash } from 'node:crypto';
import type { Scope } from './database.ts';

/** Names a resource on this machine, where several projects may have one of the same id. Of [a-z0-9_-]. */
export function keyOf(scope: Scope, id: string): string {
  const owner = createHash('sha256').update(`${scope.project}\0${scope.stage}`).digest('hex').slice(0, 8);
  return `${id}-${owner}`;
}
