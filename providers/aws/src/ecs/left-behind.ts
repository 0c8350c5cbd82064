import type { Call, Host, Identity } from '@clusternator/core/provider';
import type { TargetGroups } from '../alb/target-groups.ts';
import type { AwsFoundation } from '../foundation/outputs.ts';
import { fromAwsTags } from '../storage/aws-tags.ts';
import { parseServiceName } from './names.ts';

/** An environment of which nothing runs. */
export interface LeftBehind {
  readonly identity: Identity;
  readonly key: string;
}

/**
 * What an interrupted call left, as target groups tell, which come before anything that runs.
 * @param of - Whose targets are tasks, or machines.
 * @param known - Keys of environments of which something runs.
 */
export async function* leftBehind(
  of: 'tasks' | 'machines',
  groups: TargetGroups,
  { host, foundation }: { readonly host: Host; readonly foundation: AwsFoundation },
  known: ReadonlyMap<string, unknown>,
  call: Call,
): AsyncGenerator<LeftBehind> {
  const left = (await groups.all(call)).flatMap((group) => {
    const key = parseServiceName(group.TargetGroupName ?? '')?.key;
    const isOf = (group.TargetType === 'instance') === (of === 'machines');
    return isOf && group.VpcId === foundation.vpc && key !== undefined && !known.has(key) ? [{ key, group }] : [];
  });
  const tags = await groups.tags(
    left.map(({ group }) => group),
    call,
  );
  const seen = new Set<string>();
  for (const { key, group } of left) {
    const identity = host.identify(fromAwsTags(tags.get(group.TargetGroupArn ?? '')));
    if (identity?.type !== 'environment' || seen.has(key)) continue;
    seen.add(key);
    yield { identity, key };
  }
}
