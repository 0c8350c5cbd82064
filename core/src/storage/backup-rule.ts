import type { BackupConfig } from '../config/volume.ts';
import { backupRuleSchema, type BackupRule } from './documents.ts';

/** The config's promise, as documents keep it. */
export function backupRuleOf({ everySeconds, keep, quiesce, verify }: BackupConfig): BackupRule {
  const rule = {
    everySeconds,
    keep,
    quiesce: typeof quiesce === 'string' ? quiesce : inService(quiesce),
    verify: verify && inService(verify),
  };
  // Documents are JSON: what is undefined is left out.
  return backupRuleSchema.parse(JSON.parse(JSON.stringify(rule)));
}

function inService({ in: service, ...rest }: { readonly in?: string | undefined }): object {
  return { ...rest, service };
}
