import type { Action, Rule } from '@aws-sdk/client-elastic-load-balancing-v2';

/** A target group's share. */
export interface Share {
  readonly targetGroup: string;
  readonly percent: number;
}
/** Weights are of 0 to 999. In tenths of a percent a lone group with a part of the traffic differs from one with all of it, which has 1. */
const WEIGHT_OF_A_PERCENT = 10;

/** Traffic to target groups. One with all of it is told plainly, which every implementation of the interface takes. */
export function forwardTo(shares: readonly Share[]): Action[] {
  const [first] = shares;
  if (shares.length === 1 && first?.percent === 100) {
    return [{ Type: 'forward', TargetGroupArn: first.targetGroup }];
  }
  const TargetGroups = shares.map(({ targetGroup, percent }) => ({
    TargetGroupArn: targetGroup,
    Weight: percent * WEIGHT_OF_A_PERCENT,
  }));
  return [{ Type: 'forward', ForwardConfig: { TargetGroups } }];
}

/** An answer of the load balancer's own. */
export function fixedAnswer(status: 404 | 503, text: string): Action[] {
  return [
    {
      Type: 'fixed-response',
      FixedResponseConfig: { StatusCode: String(status), ContentType: 'text/plain', MessageBody: text },
    },
  ];
}

/** All target groups that a rule names, also those without weight. */
export function targetGroupsOf({ Actions = [] }: Rule): readonly string[] {
  const named = Actions.flatMap(({ TargetGroupArn, ForwardConfig }) => [
    TargetGroupArn,
    ...(ForwardConfig?.TargetGroups ?? []).map((group) => group.TargetGroupArn),
  ]);
  return [...new Set(named.filter((arn) => arn !== undefined))];
}

/** What a rule gives to whom, in percent. */
export function sharesOf({ Actions = [] }: Rule): readonly Share[] {
  const [forward] = Actions.filter(({ Type }) => Type === 'forward');
  const weighted = (forward?.ForwardConfig?.TargetGroups ?? []).flatMap(({ TargetGroupArn, Weight }) =>
    TargetGroupArn === undefined ? [] : [{ targetGroup: TargetGroupArn, weight: Weight ?? 1 }],
  );
  const [first] = weighted;
  if (!first) {
    return forward?.TargetGroupArn === undefined ? [] : [{ targetGroup: forward.TargetGroupArn, percent: 100 }];
  }
  if (weighted.length === 1 && first.weight === 1) return [{ targetGroup: first.targetGroup, percent: 100 }];
  return weighted
    .filter(({ weight }) => weight > 0)
    .map(({ targetGroup, weight }) => ({ targetGroup, percent: percentOf(weight, weighted) }));
}

/** Weights that somebody else wrote are of any sum. */
function percentOf(weight: number, all: readonly { readonly weight: number }[]): number {
  const sum = all.reduce((total, one) => total + one.weight, 0);
  const isOurs = sum <= 100 * WEIGHT_OF_A_PERCENT && all.every((one) => one.weight % WEIGHT_OF_A_PERCENT === 0);
  return isOurs ? weight / WEIGHT_OF_A_PERCENT : (100 * weight) / sum;
}
