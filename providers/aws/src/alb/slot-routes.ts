import type { Rule } from '@aws-sdk/client-elastic-load-balancing-v2';
import type { Route } from '@clusternator/core/provider';
import { routeHandle } from '../ecs/handle.ts';
import { parseServiceName, targetGroupName } from '../ecs/names.ts';
import { sharesOf, type Share } from './actions.ts';
import { slotRuleOf, standbyAt } from './slot-rules.ts';

/** An environment's part in one role: by part of the project, its share and its target group. */
type Member = Map<string, Share>;

/** What a slot's rules give to whom. @param rules - The slot's own. */
export function routesOf(rules: readonly Rule[]): readonly Route[] {
  const byRole = new Map<string, Map<string, Member>>();
  for (const rule of rules) {
    const told = slotRuleOf(rule);
    if (!told) continue;
    const members = byRole.get(told.role) ?? new Map<string, Member>();
    byRole.set(told.role, members);
    for (const { targetGroup, percent } of sharesOf(rule)) {
      // What is none of ours is told by its target group alone.
      const key = parseServiceName(targetGroupName(targetGroup))?.key ?? targetGroup;
      const member = members.get(key) ?? new Map<string, Share>();
      members.set(key, member.set(told.part, { percent, targetGroup }));
    }
  }
  const roles = [...byRole].sort(([a], [b]) => (standbyAt(a) ?? -1) - (standbyAt(b) ?? -1));
  return roles.flatMap(([role, members]) =>
    standbyAt(role) === undefined ? headRoutes(members) : standbyRoutes(members),
  );
}

/** One route an environment where all parts say the same of it, else one a part: a flip was cut short, or a rule was changed by hand. */
function headRoutes(members: ReadonlyMap<string, Member>): readonly Route[] {
  const whole = [...members].map(([key, member]) => {
    const percents = new Set([...member.values()].map(({ percent }) => percent));
    return percents.size === 1 ? { key, member, percent: [...percents][0] ?? 0 } : undefined;
  });
  const agreed = whole.filter((one) => one !== undefined);
  const sum = agreed.reduce((total, { percent }) => total + percent, 0);
  if (agreed.length === whole.length && (sum === 100 || sum === 0)) {
    return agreed.map(({ key, member, percent }) => ({ handle: handleOf(key, member), percent })).sort(byPercent);
  }
  return [...members].flatMap(([key, member]) =>
    [...member].map(([part, one]) => ({
      handle: handleOf(key, new Map([[part, one]])),
      percent: one.percent,
      part,
    })),
  );
}

function standbyRoutes(members: ReadonlyMap<string, Member>): readonly Route[] {
  return [...members].map(([key, member]) => ({ handle: handleOf(key, member), percent: 0 }));
}

function handleOf(key: string, member: Member): Route['handle'] {
  const targets = [...member].map(([part, { targetGroup }]) => [part, targetGroup] as const);
  return routeHandle(key, Object.fromEntries(targets));
}

function byPercent(a: Route, b: Route): number {
  return b.percent - a.percent;
}

/** Under which the rules were written. Undefined: none of them ever was. What was cut short has one that is nobody's. */
export function stampOf(rules: readonly Rule[]): string | undefined {
  const stamps = new Set(rules.flatMap((rule) => slotRuleOf(rule)?.stamp ?? []));
  if (stamps.size > 1) return [...stamps].sort().join('-and-');
  const [stamp] = stamps;
  return stamp === UNSTAMPED ? undefined : stamp;
}

/** Of rules that were made and never routed: epochs begin at 1. */
export const UNSTAMPED = '0';
