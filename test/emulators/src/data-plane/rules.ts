import type { IncomingMessage } from 'node:http';
import type { Action, Rule, RuleCondition } from '@aws-sdk/client-elastic-load-balancing-v2';

/**
 * The actions of the first rule that fits, the default's otherwise.
 * @see https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html
 */
export function actionsFor(rules: readonly Rule[], request: IncomingMessage): readonly Action[] {
  const ordered = rules.toSorted((a, b) => priorityOf(a) - priorityOf(b));
  return ordered.find(({ Conditions = [] }) => Conditions.every((one) => holds(one, request)))?.Actions ?? [];
}

/** One group of a forward action, by the weights. @param share - From 0 until 1. */
export function groupOf(action: Action, share: number): string | undefined {
  const groups = action.ForwardConfig?.TargetGroups ?? [];
  if (groups.length === 0) return action.TargetGroupArn;
  const weights = groups.map(({ Weight = 1 }) => Weight);
  let left = share * weights.reduce((sum, weight) => sum + weight, 0);
  return groups.find((_, index) => (left -= weights[index] ?? 0) < 0)?.TargetGroupArn;
}

/** The target groups that a rule leads to, those of weight 0 too. */
export function groupsOf(actions: readonly Action[]): readonly string[] {
  return actions.flatMap(({ TargetGroupArn, ForwardConfig }) =>
    [TargetGroupArn, ...(ForwardConfig?.TargetGroups ?? []).map((group) => group.TargetGroupArn)].filter(
      (arn) => arn !== undefined,
    ),
  );
}

function priorityOf({ Priority = 'default' }: Rule): number {
  return Priority === 'default' ? Number.POSITIVE_INFINITY : Number(Priority);
}

function holds(condition: RuleCondition, request: IncomingMessage): boolean {
  const { Field, Values = [] } = condition;
  const url = new URL(request.url ?? '/', 'http://any');
  switch (Field) {
    case 'host-header': {
      const host = (request.headers.host ?? '').replace(/:\d+$/, '').toLowerCase();
      const values = [...Values, ...(condition.HostHeaderConfig?.Values ?? [])];
      return values.some((value) => matches(value.toLowerCase(), host));
    }
    case 'path-pattern':
      return [...Values, ...(condition.PathPatternConfig?.Values ?? [])].some((value) => matches(value, url.pathname));
    case 'http-header': {
      const { HttpHeaderName = '', Values: wanted = [] } = condition.HttpHeaderConfig ?? {};
      const found = [request.headers[HttpHeaderName.toLowerCase()] ?? []].flat();
      return wanted.some((value) => found.some((one) => matches(value.toLowerCase(), one.toLowerCase())));
    }
    case 'http-request-method':
      return (condition.HttpRequestMethodConfig?.Values ?? Values).includes(request.method ?? '');
    case 'query-string': {
      const pairs = [...url.searchParams];
      return (condition.QueryStringConfig?.Values ?? []).some(({ Key, Value = '' }) =>
        pairs.some(([key, value]) => (Key === undefined || matches(Key, key)) && matches(Value, value)),
      );
    }
    default:
      return false;
  }
}

/** `*` is any number of characters, `?` one. */
function matches(pattern: string, text: string): boolean {
  const expression = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${expression}$`, 's').test(text);
}
