import type { Rule, RuleCondition } from '@aws-sdk/client-elastic-load-balancing-v2';
import { ProviderError } from '@clusternator/core/provider';

/** Values of all conditions of a rule together. Not adjustable.
 *  @see https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html */
const MOST_VALUES = 5;

/**
 * Requests for any of the hosts, at the path and below it.
 * @throws ProviderError `invalid`: more than a rule takes.
 */
export function conditionsFor(hosts: readonly string[], route: string): RuleCondition[] {
  const paths = route === '/' ? [] : [route, `${route}/*`];
  if (hosts.length + paths.length > MOST_VALUES) {
    throw new ProviderError(
      'invalid',
      `a rule of the load balancer takes ${String(MOST_VALUES)} values, which are too few for ${[...hosts, ...paths].join(', ')}`,
      { hint: 'give it fewer host names' },
    );
  }
  return [
    oneOf('host-header', 'HostHeaderConfig', hosts),
    ...(paths.length > 0 ? [oneOf('path-pattern', 'PathPatternConfig', paths)] : []),
  ];
}

/** Several values have a place of their own; one is told plainly, which every implementation of the interface takes.
 *  @see https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RuleCondition.html */
function oneOf(
  Field: string,
  config: 'HostHeaderConfig' | 'PathPatternConfig',
  values: readonly string[],
): RuleCondition {
  return values.length === 1 ? { Field, Values: [...values] } : { Field, [config]: { Values: [...values] } };
}

export function hostsOf(rule: Rule): readonly string[] {
  return valuesOf(rule, 'host-header', 'HostHeaderConfig');
}

/** None where a rule looks at no path. */
export function pathsOf(rule: Rule): readonly string[] {
  return valuesOf(rule, 'path-pattern', 'PathPatternConfig');
}

/** AWS tells one value in both places, and several in theirs alone. */
function valuesOf(
  { Conditions = [] }: Rule,
  field: string,
  config: 'HostHeaderConfig' | 'PathPatternConfig',
): readonly string[] {
  const [condition] = Conditions.filter(({ Field }) => Field === field);
  return condition?.[config]?.Values ?? condition?.Values ?? [];
}
