import type { TargetHealthDescription } from '@aws-sdk/client-elastic-load-balancing-v2';
import type { Health } from '@clusternator/core/provider';
import type { ServiceState } from './service-state.ts';

type PartHealth = Health['parts'][string];

/** @param targets - Of each public part; undefined where its target group is gone. */
export function healthOf(
  states: readonly ServiceState[],
  targets: ReadonlyMap<string, readonly TargetHealthDescription[] | undefined>,
  observedAt: Date,
): Health {
  const parts = states.map((state) => [state.service, partHealth(state, targets.get(state.service))] as const);
  const expected = states.filter((state) => state.isPublic || state.desired > 0);
  const byName = Object.fromEntries(parts);
  return {
    // None of which anything is expected is not healthy.
    healthy: expected.length > 0 && expected.every(({ service }) => byName[service]?.healthy === true),
    parts: byName,
    observedAt,
  };
}

function partHealth(state: ServiceState, targets: readonly TargetHealthDescription[] | undefined): PartHealth {
  const { running, desired, isPublic, isOffBySpec, phase, message } = state;
  if (!isPublic && isOffBySpec && running === 0) return { healthy: true, instances: 0 };
  if (desired === 0) return { healthy: false, instances: running, message: 'it is scaled to none' };
  if (phase === 'failed' || running < desired) {
    const counts = `${String(running)} of ${String(desired)} instances run`;
    return { healthy: false, instances: running, message: message ?? counts };
  }
  return isPublic ? targetHealth(state, targets ?? []) : { healthy: true, instances: running };
}

/** As many targets as instances have passed: those that are on their way out do not count. */
function targetHealth({ desired }: ServiceState, targets: readonly TargetHealthDescription[]): PartHealth {
  const healthy = targets.filter(({ TargetHealth }) => TargetHealth?.State === 'healthy').length;
  if (healthy >= desired) return { healthy: true, instances: healthy };
  const others = targets.flatMap(({ Target, TargetHealth }) =>
    TargetHealth?.State === 'healthy'
      ? []
      : [`${Target?.Id ?? ''} is ${TargetHealth?.State ?? 'unknown'}${reason(TargetHealth?.Description)}`],
  );
  const message = [`${String(healthy)} of ${String(desired)} instances pass their check`, ...others].join('; ');
  return { healthy: false, instances: healthy, message };
}

function reason(text: string | undefined): string {
  return text === undefined || text === '' ? '' : ` (${text})`;
}
