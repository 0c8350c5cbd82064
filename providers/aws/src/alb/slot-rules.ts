import type { Action, Rule, RuleCondition } from '@aws-sdk/client-elastic-load-balancing-v2';
import type { Host, Route, SlotSpec } from '@clusternator/core/provider';
import { targetOf } from '../ecs/handle.ts';
import { fixedAnswer, forwardTo } from './actions.ts';
import { conditionsFor, hostsOf, pathsOf } from './conditions.ts';
import { formatMark, markOf, type SlotMark } from './slot-marks.ts';

/** Of the marks of a slot, that leave room for a part's name. */
const KEY_LENGTH = 24;
export const HEAD = 'head';
/** Stands for a part, while no environment has a public one. No service is called so. */
const NO_PART = '0';

/** What a slot's marks have of its own. */
export function slotKey(host: Host, id: string): string {
  return host.name(['slot', id], { maxLength: KEY_LENGTH });
}

/** One rule of a slot: a part of its head, or of a standby. */
export interface SlotRule {
  readonly role: string;
  readonly part: string;
  readonly hosts: readonly string[];
  readonly path: string;
}

/** The rules that a slot needs: one a part and role. */
export function rulesOf({ hosts, standbyHosts, parts }: SlotSpec): readonly SlotRule[] {
  const all = Object.entries(parts);
  const paths = all.length === 0 ? [[NO_PART, '/'] as const] : all;
  const roles = [{ role: HEAD, hosts }, ...standbyHosts.map((host, at) => ({ role: standbyRole(at), hosts: [host] }))];
  return roles.flatMap((one) => paths.map(([part, path]) => ({ ...one, part, path })));
}

function standbyRole(at: number): string {
  return `s${String(at + 1)}`;
}

/** From 0. Undefined: it is the head's. */
export function standbyAt(role: string): number | undefined {
  const [, place] = /^s(\d+)$/.exec(role) ?? [];
  return place === undefined ? undefined : Number(place) - 1;
}

/** Hosts, path, and the mark with the stamp among the hosts. */
export function slotConditions({ hosts, path, ...rule }: SlotRule, stamp: string, key: string): RuleCondition[] {
  return conditionsFor([...hosts, formatMark({ ...rule, stamp, key })], path);
}

/** As it is told by a slot's rule. Undefined: it is no slot's. */
export function slotRuleOf(rule: Rule): (SlotRule & SlotMark) | undefined {
  const all = hostsOf(rule);
  const mark = markOf(all);
  if (!mark) return undefined;
  const hosts = all.filter((host) => markOf([host]) === undefined);
  return { ...mark, hosts, path: pathsOf(rule)[0] ?? '/' };
}

/** Where a rule leads to under such routes. What an environment lacks is a 404; without an environment it is a 503. */
export function slotActions({ role, part }: Pick<SlotRule, 'role' | 'part'>, routes: readonly Route[]): Action[] {
  const at = standbyAt(role);
  const standby = at === undefined ? undefined : routes.filter(({ percent }) => percent === 0)[at];
  const led =
    at === undefined ? routes.filter(({ percent }) => percent > 0) : standby ? [{ ...standby, percent: 100 }] : [];
  if (led.length === 0) return NOBODY;
  const shares = led.flatMap(({ handle, percent }) => {
    const targetGroup = targetOf(handle, part);
    return targetGroup === undefined ? [] : [{ targetGroup, percent }];
  });
  return shares.length === 0 ? LACKING : forwardTo(shares);
}

export const NOBODY = fixedAnswer(503, 'nothing is deployed here yet');
export const LACKING = fixedAnswer(404, 'there is nothing here');
