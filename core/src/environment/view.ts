import type { EnvironmentView, OperationView, PartView } from '../host/project.ts';
import type { EnvironmentDocument, ErrorRecord, OperationDocument } from '../state/documents.ts';
import { environmentUrl } from './public-parts.ts';

/** An environment as commands show it. */
export function environmentView(document: EnvironmentDocument): EnvironmentView {
  const { spec, environment } = document;
  const url = spec && document.phase === 'ready' ? environmentUrl(spec, environment) : undefined;
  return {
    id: document.id,
    commit: document.commit,
    phase: document.phase,
    provider: document.provider.name,
    services: partViews(document, url),
    createdAt: document.createdAt,
    pins: Object.keys(document.pins),
    ...(document.ref !== undefined && { ref: document.ref }),
    ...(document.slot !== undefined && { slot: document.slot }),
    ...(document.subject !== undefined && { subject: document.subject }),
    ...(document.author !== undefined && { author: document.author }),
    ...(url !== undefined && { url }),
    ...(document.readyAt !== undefined && { readyAt: document.readyAt }),
    ...(document.expiresAt !== undefined && { expiresAt: document.expiresAt }),
    ...(document.logs && { logsUntil: document.logs.until }),
    ...(document.owner && { operation: document.owner.operation }),
    ...(document.error && { error: errorView(document.error) }),
  };
}

function partViews({ spec, environment, phase }: EnvironmentDocument, base: string | undefined): readonly PartView[] {
  if (!spec) return [];
  const parts = [
    ...Object.entries(spec.services).map(([name, { route }]) => ({ name, kind: 'service' as const, route })),
    ...Object.entries(spec.sites).map(([name, { route }]) => ({ name, kind: 'site' as const, route })),
  ];
  return parts.map(({ name, kind, route }) => {
    const part = environment?.parts[name];
    const url = part?.url ?? (base !== undefined && route !== undefined ? new URL(route, base).href : undefined);
    return {
      name,
      kind,
      state: part?.phase ?? phase,
      ...(url !== undefined && { url }),
      ...(part?.digest !== undefined && { digest: part.digest }),
      ...(part?.message !== undefined && { message: part.message }),
    };
  });
}

/** An operation as commands show it. `alive`: its process runs, as far as can be told from here. */
export function operationView(document: OperationDocument, alive: boolean): OperationView {
  const { owner } = document;
  return {
    id: document.id,
    kind: document.kind,
    subject: document.subject,
    state: document.state === 'running' && !alive ? 'interrupted' : document.state,
    alive,
    owner: `${owner.user}@${owner.host} (process ${String(owner.pid)})`,
    createdAt: document.createdAt,
    updatedAt: document.updatedAt,
    ...(document.endedAt !== undefined && { endedAt: document.endedAt }),
    steps: document.steps.map((step) => ({
      id: step.id,
      title: step.title,
      state: step.state,
      ...(step.error && { error: step.error.message }),
      ...(step.startedAt !== undefined && { startedAt: step.startedAt }),
      ...(step.endedAt !== undefined && { endedAt: step.endedAt }),
    })),
    ...(document.error && { error: errorView(document.error) }),
  };
}

function errorView({ code, message, hint }: ErrorRecord): NonNullable<EnvironmentView['error']> {
  return { code, message, ...(hint !== undefined && { hint }) };
}
