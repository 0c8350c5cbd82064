/** Reserved by RFC 6761: no request ever names it, so that a rule can keep something of ours among its hosts. */
const SUFFIX = 'clusternator.invalid';

/** What a rule of a slot is, told by one more host of its own: written together with its routes, or not at all. */
export interface SlotMark {
  readonly stamp: string;
  /** The public part that it leads to. */
  readonly part: string;
  /** `head`, or `s1` for the newest standby. */
  readonly role: string;
  /** The slot's own. */
  readonly key: string;
}

/** Of [a-z0-9.-] as a host is, with no dot in any of its words. A rule takes hosts of 128 characters, which the longest name of a part leaves room in. */
export function formatMark({ stamp, part, role, key }: SlotMark): string {
  return `${stamp}.${part}.${role}.${key}.${SUFFIX}`;
}

/** Undefined: none of the hosts is a slot's mark. */
export function markOf(hosts: readonly string[]): SlotMark | undefined {
  for (const host of hosts) {
    if (!host.endsWith(`.${SUFFIX}`)) continue;
    const [stamp, part, role, key, ...rest] = host.slice(0, -SUFFIX.length - 1).split('.');
    if (stamp !== undefined && part !== undefined && role !== undefined && key !== undefined && rest.length === 0) {
      return { stamp, part, role, key };
    }
  }
  return undefined;
}
