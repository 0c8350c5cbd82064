import type { EnvironmentView, PhaseName } from '../control/views.ts';
import type { BackendPart } from '../proxy/backend.ts';
import type { EnvironmentRecord } from './database.ts';
import type { RunningService, ServiceState } from './service.ts';

const PHASES = {
  waiting: 'creating',
  preparing: 'creating',
  starting: 'creating',
  active: 'active',
  stopping: 'destroying',
  stopped: 'stopped',
  failed: 'failed',
} as const satisfies Record<ServiceState['phase'], PhaseName>;

const WAITS = {
  waiting: 'waits for what it needs',
  preparing: 'is being prepared',
  starting: 'is starting',
  active: 'runs',
  stopping: 'is being stopped',
  stopped: 'is stopped',
  failed: 'failed',
} as const satisfies Record<ServiceState['phase'], string>;

type PartView = EnvironmentView['parts'][string];
type Services = ReadonlyMap<string, RunningService>;

/** Services and sites as the provider contract tells of them. */
export function partsOf(record: EnvironmentRecord, services: Services): Readonly<Record<string, PartView>> {
  const isOver = record.phase === 'failed' || record.phase === 'destroying';
  const ofServices = Object.entries(record.spec.services).map(([name, spec]): [string, PartView] => {
    const state = services.get(name)?.state;
    const digest = spec.artefact.kind === 'image' ? spec.artefact.reference : spec.artefact.digest;
    if (!state) return [name, { phase: isOver ? 'stopped' : 'creating', digest }];
    const message = state.phase === 'active' ? undefined : (state.message ?? WAITS[state.phase]);
    return [name, { phase: PHASES[state.phase], digest, ...(message !== undefined && { message }) }];
  });
  const ofSites = Object.entries(record.spec.sites).map(([name, site]): [string, PartView] => {
    const phase = record.phase === 'active' ? 'active' : isOver ? 'stopped' : 'creating';
    return [name, { phase, digest: site.digest }];
  });
  return Object.fromEntries([...ofServices, ...ofSites]);
}

/** What the proxy answers under each public path. */
export function backendParts(record: EnvironmentRecord, services: Services): readonly BackendPart[] {
  const ofServices = Object.entries(record.spec.services).flatMap(([name, spec]): BackendPart[] => {
    if (spec.route === undefined) return [];
    const state = services.get(name)?.state;
    const isServing = record.phase === 'active' && (state?.endpoints.length ?? 0) > 0;
    return [
      {
        name,
        prefix: spec.route,
        target:
          isServing && state
            ? { kind: 'service', endpoints: state.endpoints }
            : { kind: 'unavailable', reason: reasonOf(record, name, state), retryAfterSeconds: 1 },
      },
    ];
  });
  const ofSites = Object.entries(record.spec.sites).map(([name, site]): BackendPart => {
    const { folder, fallback, route } = site;
    const target =
      record.phase === 'active'
        ? { kind: 'site' as const, folder, ...(fallback !== undefined && { fallback }) }
        : { kind: 'unavailable' as const, reason: reasonOf(record, name, undefined), retryAfterSeconds: 1 };
    return { name, prefix: route, target };
  });
  return [...ofServices, ...ofSites];
}

/** In a few words: what a service said last is for its owner, not for whoever asks the proxy. */
function reasonOf(record: EnvironmentRecord, part: string, state: ServiceState | undefined): string {
  if (record.phase === 'creating')
    return `the environment is still being made${state ? `; ${part} ${WAITS[state.phase]}` : ''}`;
  if (record.phase === 'failed') return 'the environment could not be made';
  if (record.phase === 'destroying') return 'the environment is being destroyed';
  return state ? `${part} ${WAITS[state.phase]}` : `${part} is not there`;
}
