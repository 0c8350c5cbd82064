import type { Loss } from './storage.ts';
import type { ErrorCode } from '../provider/error.ts';
import type { Cancellable } from './project.ts';
import type { SlotState } from '../slot/transitions.ts';

/** Who is about to do something, and why. Both end up in the slot's ledger. */
export interface Reasoned {
  readonly reason?: string;
  /** Left out: the user of this process. */
  readonly by?: string;
}

/** A slot and the environment that it is to lead to. */
export interface PromoteRequest extends Reasoned, Cancellable {
  /** Its name, or any unique prefix of one that exists. */
  readonly slot: string;
  /** Any unique prefix of an environment, or a commit, branch or tag. */
  readonly environment: string;
  /** What the caller saw: refused (`conflict`) when the slot has moved on since. */
  readonly ifGeneration?: number;
  /** A program asks, not a person: it waits for its turn, gives way to a newer one, and never goes back in history nor past a pin. */
  readonly automatic?: boolean;
  /** An automatic promotion may go to a commit that does not descend from the head's. */
  readonly allowOlder?: boolean;
  /** In place of the config's. */
  readonly bakeSeconds?: number;
  readonly stages?: readonly { readonly percent: number; readonly holdSeconds: number }[];
  /** Values of secrets for the slot's own environment. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** False: returns once the slot is claimed. The operation is left to be resumed by another process (`resume(operation)`). */
  readonly wait?: boolean;
  readonly timeoutSeconds?: number;
}

/** A slot that is to lead to a former head again. */
export interface RollbackRequest extends Reasoned, Cancellable {
  /** Its name, or any unique prefix of one that exists. */
  readonly slot: string;
  /** `master.2` or an environment that is a standby. Left out: the newest standby. */
  readonly to?: string;
  /** What the caller saw. Left out: the generation that this process reads first. */
  readonly ifGeneration?: number;
  readonly timeoutSeconds?: number;
  /** Then puts the slot's data back to the newest snapshot from before the release that is left. */
  readonly restoreData?: boolean;
}

/** One environment of a slot. */
export interface SlotMember {
  /** `master` is the head, `master.1` the newest standby; left out for what has no place in it any more. */
  readonly name?: string;
  readonly environment: string;
  readonly commit: string;
  readonly subject?: string;
  readonly author?: string;
  /** As its document says. */
  readonly phase: 'creating' | 'ready' | 'failed' | 'destroying' | 'gone';
  /** Where it answers in the slot: the slot's address, or a standby's. */
  readonly url?: string;
  /** Only from `show`: what its provider says now. Left out: it could not be asked. */
  readonly healthy?: boolean;
  readonly message?: string;
  /** Of rejected and draining ones: ISO dates. */
  readonly since?: string;
  readonly until?: string;
}

/** What `slot show` tells. All plain data. */
export interface SlotView {
  readonly name: string;
  readonly url?: string;
  /** 0 before the first promotion. */
  readonly generation: number;
  /** `idle` when nothing is going on. */
  readonly state: SlotState | 'idle';
  readonly mechanism: 'router' | 'dns';
  readonly head?: SlotMember;
  readonly standbys: readonly SlotMember[];
  readonly rejected: readonly SlotMember[];
  /** Let go, and kept until what they have begun is done. */
  readonly draining: readonly SlotMember[];
  /** As the router serves it now. Only from `show`. */
  readonly traffic?: readonly TrafficShare[];
  /** Only from `show`: the router does not say what we wrote. `repair` writes ours, `adopt` takes its. */
  readonly drift?: { readonly expected: readonly TrafficShare[]; readonly found: readonly TrafficShare[] };
  /** Automatic promotions are held. */
  readonly pinned?: { readonly by: string; readonly at: string; readonly why: string };
  readonly operation?: SlotOperationView;
  /** The automatic promotion that waits for its turn. */
  readonly queued?: { readonly operation: string; readonly environment: string; readonly at: string };
  /** The newest few. Only from `show`. */
  readonly releases?: readonly ReleaseView[];
}
/** How much of a slot's traffic goes where. */
export interface TrafficShare {
  /** Left out: none that we know. */
  readonly environment?: string;
  readonly commit?: string;
  readonly percent: number;
  readonly part?: string;
}
/** What goes on with a slot. */
export interface SlotOperationView {
  readonly id: string;
  readonly kind: 'promote' | 'rollback' | 'bake' | 'destroy';
  /** Who runs it: `ann@box (process 123)`. */
  readonly owner: string;
  readonly alive: boolean;
  readonly to?: SlotMember;
  readonly left?: SlotMember;
  readonly approval?: { readonly askedAt: string; readonly by?: string; readonly at?: string };
  readonly bakeUntil?: string;
}
/** One line of a slot's ledger. */
export interface ReleaseView {
  readonly generation: number;
  readonly environment: string;
  readonly commit: string;
  readonly subject?: string;
  /** What the slot left. */
  readonly from?: string;
  readonly kind: 'promote' | 'rollback' | 'revert' | 'adopt';
  readonly operation: string;
  readonly by: string;
  readonly at: string;
  readonly reason?: string;
  readonly digests: Readonly<Record<string, string>>;
  readonly configFingerprint: string;
}

/** What a promotion or a rollback has come to. */
export interface PromotionResult {
  readonly operation: string;
  readonly kind: 'promote' | 'rollback';
  readonly slot: SlotView;
  readonly from?: SlotMember;
  readonly to: SlotMember;
  /** It was the head already: nothing was done. */
  readonly existed: boolean;
  /** Seconds from the operation's start to the last flip. Left out: none was needed, or it was not waited for. */
  readonly flipSeconds?: number;
  /** How long the slot did not answer, since a disk of it went from one environment to the other. Left out: it answered all the time. */
  readonly interruptedSeconds?: number;
  /** The command that undoes it: `clusternator rollback master`. Left out: nothing to go back to. */
  readonly undo?: string;
  readonly warnings: readonly string[];
  /** What the slot's data went back to, where that was asked for. */
  readonly restored?: readonly Loss[];
  /** Snapshots of the data from before that. */
  readonly kept?: readonly string[];
}
/** A volume that one environment at a time holds goes from one to the other, and what holds it is stopped first. */
export interface Interruption {
  readonly volumes: readonly string[];
  readonly from: string;
  readonly to: string;
  /** An estimate: the sum of its parts. */
  readonly seconds: number;
  /** `start`: until it is healthy, and traffic has moved. `basis`: from what the seconds are known. */
  readonly parts: readonly {
    readonly what: 'stop' | 'attach' | 'start' | 'dns';
    readonly seconds: number;
    readonly basis: string;
  }[];
}
/** What `--dry-run` tells. Nothing is changed. */
export interface PromotionPlan {
  readonly slot: string;
  readonly kind: 'promote' | 'rollback';
  readonly from?: SlotMember;
  readonly to: SlotMember;
  readonly changes: readonly { readonly action: 'create' | 'change' | 'destroy'; readonly what: string }[];
  /** How long the slot would not answer. */
  readonly interruptsSeconds: number;
  /** Why it would not. Left out: it answers all the time. */
  readonly interruption?: Interruption;
  /** Why it would be refused now. */
  readonly refused?: { readonly code: ErrorCode; readonly message: string; readonly hint?: string };
}

/** A slot that is to be no more. */
export interface SlotDestroyRequest extends Reasoned, Cancellable {
  /** Its whole name. */
  readonly slot: string;
  /** What the caller saw. Left out: the generation that this process reads first. */
  readonly ifGeneration?: number;
  /** The slot's name once more: also when what is promoted to it has to be approved. */
  readonly force?: string;
  readonly timeoutSeconds?: number;
}
/** What the end of a slot has come to. */
export interface SlotDestruction {
  readonly operation: string;
  readonly slot: string;
  /** What a later promotion goes on from. */
  readonly generation: number;
  /** It had been destroyed before. */
  readonly wasGone: boolean;
  /** Environments that it let go: they are like any other now, and go by their time to live. */
  readonly released: readonly SlotMember[];
  /** Volumes with its data. They stay, and serve a slot of the same name again. */
  readonly keeps: readonly string[];
  readonly warnings: readonly string[];
}
/** What the end of a slot would come to. Nothing is changed. */
export interface SlotDestroyPlan {
  readonly slot: string;
  readonly url?: string;
  readonly head?: SlotMember;
  readonly changes: readonly { readonly action: 'change' | 'destroy'; readonly what: string }[];
  readonly keeps: readonly string[];
  /** Why it would be refused now. */
  readonly refused?: { readonly code: ErrorCode; readonly message: string; readonly hint?: string };
}

/** The slots of a project. A slot's name may be any unique prefix of one where it exists. */
export interface Slots {
  /** By name: those of the state, and those of the work tree's config that were never promoted to. */
  list(): Promise<readonly SlotView[]>;
  /** Asks the router and the providers. @throws `not-found`. */
  show(slot: string): Promise<SlotView>;
  /** @throws `conflict` (exit 4: owned, or `ifGeneration`), `superseded` (4), `unhealthy` (5), `reverted` (6), `refused` (7: held, not a
   *  descendant), `degraded` (8), `timeout` (9: it goes on), `drifted` (10), `not-found`. */
  promote(request: PromoteRequest): Promise<PromotionResult>;
  planPromotion(request: PromoteRequest): Promise<PromotionPlan>;
  /** What `restoreData` would lose, a volume each. @throws `refused` (7): there is no snapshot, or no data. */
  dataLoss(slot: string): Promise<readonly Loss[]>;
  /** Never data, unless `restoreData`. @throws as `promote`; `unhealthy` names the next standby in its hint; `refused` when there is none. */
  rollback(request: RollbackRequest): Promise<PromotionResult>;
  planRollback(request: RollbackRequest): Promise<PromotionPlan>;
  /**
   * Takes a slot's names and routes away, and lets its environments go. Data stays, and its ledger. To destroy what is gone succeeds.
   * @throws `conflict` (4: owned, or `ifGeneration`), `refused` (7: see `force`), `drifted` (10), `not-found`: there never was one.
   */
  destroy(request: SlotDestroyRequest): Promise<SlotDestruction>;
  planDestroy(slot: string): Promise<SlotDestroyPlan>;
  /** Lets a promotion go on that waits for it, and carries it on when its process is gone. @throws `conflict`: none waits. */
  approve(slot: string, why?: Reasoned): Promise<SlotView>;
  /** Automatic promotions go on. */
  unpin(slot: string): Promise<SlotView>;
  /** Writes the routes again as the state says. */
  repair(slot: string): Promise<SlotView>;
  /** Takes what the router serves as the head, as a release of its own. @throws `not-found`: it serves nothing that we know. */
  adopt(slot: string, why?: Reasoned): Promise<SlotView>;
  /** Newest first. */
  releases(slot: string, page?: { readonly limit?: number; readonly before?: number }): AsyncIterable<ReleaseView>;
}
