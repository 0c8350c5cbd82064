import type { Handle } from '@clusternator/core/provider';
import type { Rule } from '@aws-sdk/client-elastic-load-balancing-v2';
import { slotRuleOf, type SlotRule } from './slot-rules.ts';

const RULE = 'rule.';
const HOSTS = 'hosts.';
const PATH = 'path.';
const BELOW = 'rules';

/** A rule of a slot, and its ARN. */
export interface KnownRule extends SlotRule {
  readonly arn: string;
}

/** All that a flip needs to know, so that it looks at nothing first. The ARNs of one listener's rules differ in their last word alone. */
export function slotHandle(rules: readonly Rule[]): Handle {
  const known = rules.flatMap((rule) => {
    const told = slotRuleOf(rule);
    return told && rule.RuleArn !== undefined ? [{ ...told, arn: rule.RuleArn }] : [];
  });
  const [first] = known;
  return {
    ...(first && { [BELOW]: first.arn.slice(0, first.arn.lastIndexOf('/')) }),
    ...Object.fromEntries(
      known.flatMap(({ role, part, hosts, path, arn }): (readonly [string, string])[] => [
        [`${HOSTS}${role}`, hosts.join(' ')],
        [`${PATH}${part}`, path],
        [`${RULE}${role}.${part}`, arn.slice(arn.lastIndexOf('/') + 1)],
      ]),
    ),
  };
}

export function knownRules(handle: Handle): readonly KnownRule[] {
  return Object.entries(handle).flatMap(([name, id]) => {
    if (!name.startsWith(RULE)) return [];
    const [role = '', part = ''] = name.slice(RULE.length).split('.');
    const hosts = (handle[HOSTS + role] ?? '').split(' ').filter((host) => host !== '');
    return [{ role, part, hosts, path: handle[PATH + part] ?? '/', arn: `${handle[BELOW] ?? ''}/${id}` }];
  });
}

/** The listener that its rules are of. */
export function listenerOfSlot(handle: Handle): string {
  return (handle[BELOW] ?? '').replace(':listener-rule/', ':listener/');
}
