import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import type { QuiesceRule, VolumeDocument } from './documents.ts';
import type { PostgresPlace } from './postgres.ts';
import { resolveQuiesce } from './presets.ts';
import { mountingService } from './scratch.ts';
import { hostOf, type Host } from './users.ts';

interface InService {
  readonly host: Host;
  readonly service: string;
}

/** What is done around one snapshot, and where. At most one of the three. */
export interface QuiescePlan {
  readonly label: string;
  readonly commands?: InService & {
    readonly before: readonly string[];
    readonly after?: readonly string[];
    readonly withinSeconds: number;
  };
  readonly postgres?: PostgresPlace;
  readonly dump?: InService & { readonly command: readonly string[]; readonly restore?: readonly string[] };
}

/**
 * What a rule comes to for a volume as it is used now. Of a volume that nothing uses, nobody writes to it: then there is nothing to do.
 * @throws ProviderError `conflict`: a dump needs the application, and it does not run.
 */
export async function planQuiesce(session: Session, volume: VolumeDocument, rule: QuiesceRule): Promise<QuiescePlan> {
  if (rule === 'none') return { label: 'none' };
  const host = await hostOf(session, volume);
  if (!host) {
    const isDump = rule === 'pg_dump' || rule === 'mysql' || (typeof rule === 'object' && 'dump' in rule);
    if (!isDump) return { label: 'none: nothing runs on it' };
    throw new ProviderError('conflict', `a dump of ${volume.id} needs the service that uses it, and none runs`, {
      effect: 'none',
      hint: `clusternator storage snapshot ${volume.id} --quiesce none`,
    });
  }
  const asked = typeof rule === 'object' ? rule.service : undefined;
  const service = mountingService(host.spec.services, volume.id, asked);
  const running = host.spec.services[service];
  const config = host.document.config?.services[service];
  const quiesce = resolveQuiesce(rule, {
    ...(config?.image !== undefined && { image: config.image }),
    ...(running?.command && { command: running.command }),
    variables: Object.keys(running?.env ?? {}),
  });
  const where = { host, service };
  const { label } = quiesce;
  switch (quiesce.how) {
    case 'none':
      return { label };
    case 'commands': {
      const { before, after, withinSeconds } = quiesce;
      return { label, commands: { ...where, before, withinSeconds, ...(after && { after }) } };
    }
    case 'dump': {
      const { dump: command, restore } = quiesce;
      return { label, dump: { ...where, command, ...(restore && { restore }) } };
    }
    case 'postgres':
      return { label, postgres: { ...placeOf(host, service), mountPath: mountPath(host, service, volume.id) } };
  }
}

function placeOf({ driver, environment }: Host, service: string): Omit<PostgresPlace, 'mountPath'> {
  return { driver, environment, service };
}

/** As a command in the service sees it: a process runs in its own folder of the checkout. */
function mountPath({ spec }: Host, name: string, volume: string): string {
  const service = spec.services[name];
  const found = Object.entries(service?.mounts ?? {}).find(([, mount]) => mount.volume.id === volume)?.[0] ?? '';
  if (found.startsWith('/')) return found;
  const depth = service?.workingDir?.split('/').length ?? 0;
  return '../'.repeat(depth) + found;
}
