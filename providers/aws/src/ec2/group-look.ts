import type { AutoScalingGroup } from '@aws-sdk/client-auto-scaling';
import type { TargetHealthDescription } from '@aws-sdk/client-elastic-load-balancing-v2';
import type { Call } from '@clusternator/core/provider';
import type { TargetGroups } from '../alb/target-groups.ts';
import type { ServiceState } from '../ecs/service-state.ts';
import type { MachineParts } from './clients.ts';
import { type DiskLook, diskIds, heldText } from './disk-look.ts';
import { groupState, isEnding, lacksMachines, type Seen } from './group-state.ts';
import type { Groups } from './groups.ts';
import { lastLines } from './last-lines.ts';

/** A group as it is, and what its target group tells. */
export interface Looked {
  readonly state: ServiceState;
  readonly targets: readonly TargetHealthDescription[] | undefined;
}

/** Asks what groups themselves do not tell: who passes the check, who has its disks and, where machines are missing, why. */
export class GroupLook {
  constructor(
    private readonly parts: Pick<MachineParts, 'logs' | 'foundation'>,
    private readonly groups: Groups,
    private readonly targets: TargetGroups,
    private readonly disks: DiskLook,
  ) {}

  at(key: string, groups: readonly AutoScalingGroup[], call: Call): Promise<readonly Looked[]> {
    return Promise.all(groups.map((group) => this.atOne(key, group, call)));
  }

  private async atOne(key: string, group: AutoScalingGroup, call: Call): Promise<Looked> {
    const { AutoScalingGroupName: name = '', TargetGroupARNs: [arn] = [] } = group;
    const [targets, activities] = await Promise.all([
      arn === undefined || isEnding(group) ? undefined : this.targets.health(arn, call),
      lacksMachines(group) ? this.groups.activities(name, call) : [],
    ]);
    const seen = { targets, activities };
    const state = groupState(group, { ...seen, ...(await this.atDisks(group, groupState(group, seen), call)) });
    if (state.phase !== 'failed') return { state, targets };
    const instances = (group.Instances ?? []).flatMap(({ InstanceId }) => InstanceId ?? []);
    const words = await lastLines(this.parts, { key, service: state.service, instances, activities }, call);
    return { state: { ...state, message: [state.message ?? '', ...words].join('\n') }, targets };
  }

  /** Only where the answer would change something. */
  private async atDisks(group: AutoScalingGroup, { phase }: ServiceState, call: Call): Promise<Seen> {
    if (diskIds(group).length === 0) return {};
    if (phase === 'stopped') return { isReleasing: !(await this.disks.isReleased(group, call)) };
    if (phase !== 'creating' && phase !== 'failed') return {};
    return { waitsFor: (await this.disks.heldBeside(group, call)).map(heldText) };
  }
}
