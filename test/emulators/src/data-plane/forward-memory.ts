import type { Action, Rule } from '@aws-sdk/client-elastic-load-balancing-v2';
import { child, element, find, type Element } from './query-xml.ts';

/** The groups and weights of one forward action. */
interface Forward {
  readonly groups: readonly { readonly arn: string; readonly weight: string }[];
}

/**
 * The groups and weights of rules, as they were written: MiniStack takes a `ForwardConfig` and forgets it.
 * @see https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_ForwardActionConfig.html
 */
export class ForwardMemory {
  readonly #forwards = new Map<string, Forward>();

  /** @param asked - CreateRule's or ModifyRule's parameters. @param answer - The rules that came of it. */
  remember(asked: URLSearchParams, answer: Element): void {
    if (![...asked.keys()].some((key) => key.startsWith('Actions.'))) return;
    const arn = find(answer, 'RuleArn')?.text ?? '';
    const forward = forwardIn(asked);
    if (forward) this.#forwards.set(arn, forward);
    else this.#forwards.delete(arn);
  }

  /** Puts it back where an answer lacks it. */
  amend(answer: Element): void {
    for (const each of answer.children) {
      const forward = this.#forwards.get(child(each, 'RuleArn')?.text ?? '');
      const actions = child(each, 'Actions')?.children ?? [];
      const action = actions.find((one) => child(one, 'Type')?.text === 'forward');
      if (forward && action && !child(action, 'ForwardConfig')) action.children.push(configOf(forward));
      this.amend(each);
    }
  }

  restored(rule: Rule): Rule {
    const forward = this.#forwards.get(rule.RuleArn ?? '');
    if (!forward) return rule;
    const TargetGroups = forward.groups.map(({ arn, weight }) => ({ TargetGroupArn: arn, Weight: Number(weight) }));
    const mend = (action: Action): Action =>
      action.Type === 'forward' && !action.ForwardConfig ? { ...action, ForwardConfig: { TargetGroups } } : action;
    return { ...rule, Actions: (rule.Actions ?? []).map(mend) };
  }
}

function forwardIn(asked: URLSearchParams): Forward | undefined {
  const groups = [...asked].flatMap(([key, arn]) => {
    const prefix = /^(Actions\.member\.\d+\.ForwardConfig\.TargetGroups\.member\.\d+\.)TargetGroupArn$/.exec(key)?.[1];
    return prefix === undefined ? [] : [{ arn, weight: asked.get(`${prefix}Weight`) ?? '1' }];
  });
  return groups.length > 0 ? { groups } : undefined;
}

function configOf({ groups }: Forward): Element {
  const members = groups.map(({ arn, weight }) =>
    element('member', [element('TargetGroupArn', arn), element('Weight', weight)]),
  );
  return element('ForwardConfig', [element('TargetGroups', members)]);
}
