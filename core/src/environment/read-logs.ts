import { driverOf } from '../host/drivers.ts';
import type { Session } from '../host/session.ts';
import type { KeptLog } from '../logs/kept-logs.ts';
import { ProviderError } from '../provider/error.ts';
import type { Call } from '../provider/host.ts';
import { ENVIRONMENTS } from '../provider/tokens.ts';
import type { EnvironmentDocument } from '../state/documents.ts';
import type { LogLine, LogQuery } from './environment.ts';
import { findEnvironment } from './find.ts';
import { readLive } from './read-live.ts';

/**
 * The logs of an environment that runs, or what was kept of one that is gone.
 * @throws ProviderError `not-found`: there is no such environment, or nothing is kept of it.
 */
export async function* readLogs(
  session: Session,
  name: string,
  query: LogQuery & { readonly previous?: boolean },
  call: Call,
): AsyncGenerator<LogLine> {
  const { previous = false, ...rest } = query;
  const { document, driver, environment } = await readLive(session, await findEnvironment(session, name));
  if (driver && environment && !previous) yield* driver.logs(environment, rest, call);
  else if (document.logs?.environment && !previous) yield* fromProvider(session, document, rest, call);
  else yield* session.keptLogs.read(keptLog(session, document, environment !== undefined, previous), rest);
}

async function* fromProvider(
  session: Session,
  { logs, provider }: EnvironmentDocument,
  query: LogQuery,
  call: Call,
): AsyncGenerator<LogLine> {
  if (!logs?.environment) return;
  const driver = await driverOf(await session.bind(provider), ENVIRONMENTS, 'environments');
  yield* driver.logs(logs.environment, { ...query, follow: false }, call);
}

/** Of the last life that is over or, of one that is over itself, of the one before it. */
function keptLog(session: Session, document: EnvironmentDocument, runs: boolean, previous: boolean): KeptLog {
  const { id, phase, logs } = document;
  const now = session.clock.now();
  const lives = session.keptLogs.livesOf(id).filter(({ until }) => until > now);
  const found = lives.find(({ incarnation }) =>
    previous ? incarnation < document.incarnation : incarnation === document.incarnation,
  );
  if (found) return found;
  const until = logs?.until;
  const why = previous
    ? `nothing is kept of an earlier life of environment ${id}`
    : until !== undefined && new Date(until) <= now
      ? `environment ${id} is gone, and its logs were kept until ${until}`
      : `environment ${id} ${runs ? 'has no logs' : `does not run: it is ${phase}, and nothing is kept of its logs`}`;
  throw new ProviderError('not-found', why, {
    hint: 'logs: { keep: 30d } in the config keeps the logs of environments past their end',
  });
}
