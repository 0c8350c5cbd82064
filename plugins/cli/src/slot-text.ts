import type {
  Interruption,
  PromotionPlan,
  PromotionResult,
  SlotDestroyPlan,
  SlotMember,
  SlotView,
} from '@clusternator/core';
import type { Column } from './output/table.ts';
import { briefDuration, printable } from './output/text.ts';

/** What `--json` shows of a slot. `url` is null where there is none, so that scripts can rely on the key. */
export type SlotJson = Omit<SlotView, 'url'> & { readonly url: string | null };
export function slotJson(view: SlotView): SlotJson {
  return { ...view, url: view.url ?? null };
}

/** What `--json` shows of a promotion or a rollback. `undo` is null where nothing is to go back to. */
export type PromotionJson = Omit<PromotionResult, 'slot' | 'undo' | 'flipSeconds'> & {
  readonly slot: SlotJson;
  readonly flipSeconds: number | null;
  readonly undo: string | null;
};
export function promotionJson(result: PromotionResult): PromotionJson {
  const { slot, undo, flipSeconds } = result;
  return { ...result, slot: slotJson(slot), flipSeconds: flipSeconds ?? null, undo: undo ?? null };
}

/** The columns of `slot list`. */
export const slotColumns: readonly Column<SlotView>[] = [
  { title: 'SLOT', value: (one) => one.name },
  { title: 'STATE', value: (one) => one.state },
  { title: 'GENERATION', value: (one) => (one.generation === 0 ? '' : String(one.generation)) },
  { title: 'HEAD', value: (one) => one.head?.environment ?? '' },
  { title: 'STANDBYS', value: (one) => one.standbys.map(({ environment }) => environment).join(' ') },
  { title: 'PINNED', value: (one) => (one.pinned ? 'yes' : '') },
  { title: 'URL', value: (one) => one.url ?? '' },
  { title: 'SUBJECT', flexible: true, value: (one) => one.head?.subject ?? '' },
];

/** In one word, or what is wrong. */
export function memberState({ phase, healthy, message }: SlotMember): string {
  if (phase !== 'ready' || healthy === undefined) return phase;
  return healthy ? 'healthy' : `not healthy${message === undefined ? '' : `: ${message}`}`;
}

/** What a promotion or a rollback says in the end. The last line is where the slot answers, alone on standard output without a terminal. */
export function promotedLines(result: PromotionResult, bin: string): { before: string[]; last: string } {
  const { slot, from, to, existed, flipSeconds, interruptedSeconds, undo, operation } = result;
  const { restored = [], kept = [] } = result;
  const last = slot.url ?? slot.name;
  if (existed) return { before: [`Slot ${slot.name} is on ${titleOf(to)} already.`], last };
  const isThere = slot.head?.environment === to.environment;
  if (!isThere) return { before: underWay(slot, to, operation, bin), last };
  const time = flipSeconds === undefined ? '' : `, in ${seconds(flipSeconds)}`;
  const before = [`Slot ${slot.name}: ${from === undefined ? '' : `${shortOf(from)} → `}${titleOf(to)}${time}`];
  if (interruptedSeconds !== undefined) before.push(`  it did not answer for ${seconds(interruptedSeconds)}`);
  for (const standby of slot.standbys) before.push(`  ${memberLine(standby)}`);
  for (const { volume, snapshot } of restored) before.push(`  ${volume} went back to snapshot ${snapshot}`);
  if (kept.length > 0) before.push(`  What was in use is kept as ${kept.join(', ')}`);
  if (slot.state === 'baking') before.push(`It is being watched${untilText(slot)}: ${bin} slot show ${slot.name}`);
  before.push(undo === undefined ? 'Nothing to go back to.' : `To undo: ${undo}`);
  return { before, last };
}

/** What `--dry-run` says. */
export function promotionPlanLines(plan: PromotionPlan): string[] {
  const { slot, from, to, changes, interruption, refused } = plan;
  const lines = [`Slot ${slot}: ${from === undefined ? '' : `${shortOf(from)} → `}${titleOf(to)}`];
  if (changes.length === 0) lines.push('Nothing would change.');
  for (const { action, what } of changes) lines.push(`  ${action}  ${printable(what)}`);
  if (interruption) lines.push(...interruptionLines(interruption));
  return [...lines, ...refusedLines(refused)];
}

/** What is asked before a slot goes: what it serves, and where. */
export function slotDestroyQuestion({ slot, head, url, keeps }: SlotDestroyPlan): string {
  const where = url === undefined ? '' : ` at ${url}`;
  const serves = head === undefined ? '' : `, which serves ${shortOf(head)}${where}`;
  return printable(`Destroy slot ${slot}${serves}?${keeps.length > 0 ? ` Its data stays: ${keeps.join(', ')}.` : ''}`);
}

export function slotDestroyPlanLines({ changes, keeps, refused }: SlotDestroyPlan): string[] {
  const lines = changes.map(({ action, what }) => `${action.padEnd(8)} ${printable(what)}`);
  if (changes.length === 0) lines.push('Nothing would change.');
  for (const volume of keeps) lines.push(`keep     volume ${printable(volume)}`);
  return [...lines, ...refusedLines(refused)];
}

function refusedLines(refused: PromotionPlan['refused']): string[] {
  if (!refused) return [];
  const hint = refused.hint === undefined ? [] : [`Try: ${printable(refused.hint)}`];
  return [`It would be refused (${refused.code}): ${printable(refused.message)}`, ...hint];
}

function interruptionLines({ seconds: all, volumes, from, to, parts }: Interruption): string[] {
  const goes = `${volumes.join(', ')} goes from ${from} to ${to}`;
  return [
    printable(`zero-downtime: no, about ${seconds(all)}: ${goes}`),
    ...parts.map(({ what, seconds: some, basis }) => printable(`  ${what.padEnd(6)}  ${seconds(some)}, ${basis}`)),
  ];
}

/** `master.1  1a2b3c4d5e6f  healthy  http://…  Fix the cart`. */
export function memberLine(member: SlotMember, width = 0): string {
  const { name = '', environment, url, subject } = member;
  const cells = [name.padEnd(width), environment, memberState(member), url, subject];
  return printable(cells.filter((cell) => cell !== undefined && cell !== '').join('  '));
}

/** The commit's first digits, and whose environment it is where that says more. */
export function shortOf({ environment }: SlotMember): string {
  return printable(environment);
}

export function ago(iso: string, now: number): string {
  return `${briefDuration((now - Date.parse(iso)) / 1000)} ago`;
}

function titleOf(member: SlotMember): string {
  return member.subject === undefined ? shortOf(member) : `${shortOf(member)} (${printable(member.subject)})`;
}

function underWay({ name, operation }: SlotView, to: SlotMember, id: string, bin: string): string[] {
  if (operation?.approval && operation.approval.at === undefined) {
    return [`${titleOf(to)} waits for approval: ${bin} slot approve ${name}`];
  }
  return [`Slot ${name} is on its way to ${titleOf(to)}.`, `To follow it: ${bin} op show ${id}`];
}

function untilText({ operation }: SlotView): string {
  return operation?.bakeUntil === undefined ? '' : ` until ${operation.bakeUntil}`;
}

/** 43 ms, 1.2 s: how long a flip took. */
function seconds(count: number): string {
  return count < 1 ? `${String(Math.round(count * 1000))} ms` : `${count.toFixed(1)} s`;
}
