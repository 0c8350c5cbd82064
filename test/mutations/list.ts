/** A check of the engine, and how to take it out. */
interface Mutation {
  /** Of the ten that docs/decisions/0052 lists. */
  readonly invariant: number;
  readonly check: string;
  readonly file: string;
  /** In the file once. */
  readonly find: string;
  /** With this in its place the check is gone. */
  readonly replace: string;
  /** One of them has to fail then. */
  readonly tests: readonly string[];
}

const slot = (name: string): string => `core/src/slot/${name}.test.ts`;

/** The checks that each invariant rests on. What keeps the order of writes is in docs/decisions/0011, switch by switch. */
export const MUTATIONS: readonly Mutation[] = [
  {
    invariant: 1,
    check: 'each head is another generation',
    file: 'core/src/slot/moves.ts',
    find: '      generation: slot.generation + 1,',
    replace: '      generation: slot.generation,',
    tests: [slot('promote')],
  },
  {
    invariant: 1,
    check: 'who lost the slot finds out before it writes',
    file: 'core/src/slot/hold.ts',
    find: 'if (!found || !isOwnedBy(found.document, this.owner) || found.document.epoch !== epoch) return false;',
    replace: 'if (!found) return false;',
    tests: [slot('sleepers'), slot('races')],
  },
  {
    invariant: 2,
    check: 'what its provider does not call healthy is not',
    file: 'core/src/slot/gate.ts',
    find: 'driver.health(environment, call).catch(',
    replace: 'Promise.resolve({ healthy: true, parts: {} }).catch(',
    tests: [slot('promote'), slot('rollback')],
  },
  {
    invariant: 2,
    check: 'an answer outside of the range of statuses is not healthy',
    file: 'core/src/environment/probe.ts',
    find: 'ok: status >= accept.statusFrom && status <= accept.statusTo',
    replace: 'ok: status >= accept.statusFrom',
    tests: ['core/src/environment/probe.test.ts'],
  },
  {
    invariant: 2,
    check: 'a candidate is verified before the traffic moves',
    file: 'core/src/slot/forward.ts',
    find: 'const verifiedAt = await verify(work, to);',
    replace: 'const verifiedAt = session.clock.monotonicSeconds();',
    tests: [slot('promote')],
  },
  {
    invariant: 2,
    check: 'what was verified too long ago is verified again',
    file: 'core/src/slot/forward.ts',
    find: 'session.clock.monotonicSeconds() - verifiedAt > FRESH_SECONDS / 2',
    replace: 'false',
    tests: [slot('promote')],
  },
  {
    invariant: 2,
    check: 'a standby is verified before a rollback',
    file: 'core/src/slot/rollback.ts',
    find: 'if (!isCold) await checkTarget(session, slot, to);',
    replace: '',
    tests: [slot('rollback')],
  },
  {
    invariant: 3,
    check: 'a way back is written down before it is routed',
    file: 'core/src/slot/backward.ts',
    find: 'if (!(await hold.put((slot) => turnBack(slot, hold.owner, rejects)))) return ended(superseded(work));',
    replace: '',
    tests: [slot('sleepers'), slot('crash'), slot('promote')],
  },
  {
    invariant: 3,
    check: 'a slot keeps what an unfinished move names',
    file: 'core/src/slot/moves.ts',
    find: '...(slot.owner ? [slot.to, slot.left] : [])',
    replace: '',
    tests: [slot('sleepers'), slot('crash'), slot('promote')],
  },
  {
    invariant: 4,
    check: 'what is made for a slot keeps the digests that were verified',
    file: 'core/src/slot/make-bound.ts',
    find: 'for (const digest of new Set(files)) session.artefacts.reference(digest, owner);',
    replace: '',
    tests: [slot('rollback')],
  },
  {
    invariant: 4,
    check: 'what is made for a slot is of the artefacts of what was verified',
    file: 'core/src/slot/make-bound.ts',
    find: 'return { services: Object.fromEntries(services), sites: Object.fromEntries(sites) };',
    replace:
      "return { services: Object.fromEntries(services.map(([name, it]) => [name, { ...it, digest: 'built-anew' }])), sites: Object.fromEntries(sites) };",
    tests: [slot('rollback')],
  },
  {
    invariant: 5,
    check: 'what a slot uses is not destroyed',
    file: 'core/src/environment/collectible.ts',
    find: 'return Object.values(pins).some((holders) => Object.keys(holders).length > 0);',
    replace: 'return false;',
    tests: [slot('pins'), 'core/src/environment/collectible.test.ts'],
  },
  {
    invariant: 5,
    check: 'a destroy wins only while nobody pins',
    file: 'core/src/environment/claim.ts',
    find: 'put(next.id, owned, found?.revision ?? null, call)',
    replace: 'update(next.id, () => owned, call)',
    tests: [slot('pins'), slot('crash'), slot('simulation')],
  },
  {
    invariant: 5,
    check: '--force takes only what no other slot uses',
    file: 'core/src/environment/destroy.ts',
    find: 'return Object.keys(pins).every((name) => name === slot);',
    replace: 'return true;',
    tests: [slot('let-go'), slot('pins')],
  },
  {
    invariant: 6,
    check: 'a rollback asks the health check of the release that it goes back to',
    file: 'core/src/slot/rollback.ts',
    find: 'const health = member.config?.slots[slot.name]?.health;',
    replace: 'const health = undefined;',
    tests: [slot('rollback')],
  },
  {
    invariant: 6,
    check: 'a rollback gives the slot the host names back of the release that it goes back to',
    file: 'core/src/slot/backward.ts',
    find: 'const named = live && goal ? await restoreNames(work, live, goal, members) : live;',
    replace: 'const named = live;',
    tests: [slot('rollback')],
  },
  {
    invariant: 7,
    check: 'what was rolled back is rejected',
    file: 'core/src/slot/moves.ts',
    find: '  if (rejects && left !== undefined) {',
    replace: '  if (false) {',
    tests: [slot('rollback'), slot('promote')],
  },
  {
    invariant: 7,
    check: 'no program promotes past a rollback',
    file: 'core/src/slot/automatic.ts',
    find: '  if (pinned) {',
    replace: '  if (false) {',
    tests: [slot('rollback'), slot('promote')],
  },
  {
    invariant: 7,
    check: 'no program promotes what was rejected',
    file: 'core/src/slot/automatic.ts',
    find: '  if (isRejected(slot, candidate.id)) {',
    replace: '  if (false) {',
    tests: [slot('rollback')],
  },
  {
    invariant: 7,
    check: 'a second rollback goes further back',
    file: 'core/src/slot/moves.ts',
    find: 'return { standbys: standbys.slice(place + 1), passed: standbys.slice(0, place) };',
    replace: 'return { standbys: standbys.filter((one) => one !== to), passed: [] };',
    tests: [slot('rollback')],
  },
  {
    invariant: 8,
    check: 'routes that are not ours are not overwritten',
    file: 'core/src/slot/drift.ts',
    find: '  if (mayServe(traffic, slot) || isBeingNamed(live, slot)) return traffic;',
    replace: '  return traffic;',
    tests: [slot('races'), slot('promote')],
  },
  {
    invariant: 8,
    check: 'a revert looks at the routes before it writes',
    file: 'core/src/slot/backward.ts',
    find: '  await refuseDrift(session, hold.slot, live);\n  if (!(await hold.put(',
    replace: '  if (!(await hold.put(',
    tests: [slot('races')],
  },
  {
    invariant: 9,
    check: 'a route whose answer was lost is looked for',
    file: 'core/src/slot/router.ts',
    find: "        if (live && isAsAsked(live, routes, stamp)) return { state: 'done', slot: live };\n        if (isConflict && live)",
    replace: '        if (isConflict && live)',
    tests: [slot('router')],
  },
  {
    invariant: 9,
    check: 'a call has a deadline',
    file: 'core/src/engine/call.ts',
    find: 'await clock.sleep(deadlineSeconds, ended.signal);',
    replace: 'await new Promise(() => {});',
    tests: ['core/src/engine/call.test.ts'],
  },
  {
    invariant: 9,
    check: 'an approval that does not come ends the promotion',
    file: 'core/src/slot/approval.ts',
    find: 'if (clock.monotonicSeconds() >= until) {',
    replace: 'if (false) {',
    tests: [slot('rollback')],
  },
  {
    invariant: 10,
    check: 'data is kept before a migration runs',
    file: 'core/src/slot/migration.ts',
    find: "if (migrate.snapshot) await snapshotVolumes(work, member, 'expand');",
    replace: '',
    tests: [slot('migration')],
  },
];
