import { retrying } from '../engine/retry.ts';
import { messageOf } from '../engine/thrown.ts';
import type { BoundProvider } from '../host/drivers.ts';
import type { Session } from '../host/session.ts';
import type { KeptLogWriter } from '../logs/kept-log-writer.ts';
import { ProviderError } from '../provider/error.ts';
import type { Call } from '../provider/host.ts';
import type { EnvironmentDocument } from '../state/documents.ts';
import type { Environment, EnvironmentDriver } from './environment.ts';
import { resourceIdOf } from './life.ts';
import { stopServices } from './stop-services.ts';

const SECONDS_A_DAY = 86_400;
/** The last words of what ends come with its end. A provider that never says that they were the last is not waited for. */
const LAST_WORDS_SECONDS = 5;
/** More than providers leave a service to end by itself. */
const STOP_SECONDS = 30;

/** What a tombstone says of its logs. */
type KeptLogsRecord = NonNullable<EnvironmentDocument['logs']>;

/** Keeps the logs of one environment past its end, as its config asks. Each of its methods may be killed and called again. */
export class LogKeeping {
  private constructor(
    private readonly session: Session,
    private readonly document: EnvironmentDocument,
    private readonly keepSeconds: number,
    /** They stay where they are: nothing is copied. */
    readonly byProvider: boolean,
    private readonly stopsFirst: boolean,
  ) {}

  /** Undefined: nothing is to be kept. */
  static of(session: Session, document: EnvironmentDocument, bound: BoundProvider): LogKeeping | undefined {
    const keepSeconds = document.config?.logs.keepSeconds;
    if (keepSeconds === undefined) return undefined;
    const history = bound.capabilities['environments.logHistory'];
    const byProvider =
      history?.can === 'yes' && (history.limit === undefined || keepSeconds <= history.limit * SECONDS_A_DAY);
    const stopsFirst = bound.capabilities['environments.scale']?.can === 'yes';
    return new LogKeeping(session, document, keepSeconds, byProvider, stopsFirst);
  }

  /**
   * Copies what there is, before anything of it is destroyed. Where services can stop while their environment stays, what they say last is there
   * then, too, whoever is killed meanwhile.
   */
  async collect(driver: EnvironmentDriver, environment: Environment, call: Call): Promise<void> {
    if (this.stopsFirst) await this.orWarn(() => this.stop(driver, environment, call));
    await this.orWarn(() =>
      retrying(() => this.copy(driver, environment, false, call), {
        clock: this.session.clock,
        call,
        doing: `keep the logs of ${this.document.id}`,
        observe: () => Promise.resolve({ state: 'again' }),
      }),
    );
  }

  /** Copies on while `work` destroys it. */
  async whileDestroying(
    driver: EnvironmentDriver,
    environment: Environment | undefined,
    call: Call,
    work: () => Promise<void>,
  ): Promise<void> {
    if (this.byProvider || !environment) {
      await work();
      return;
    }
    const over = new AbortController();
    const signal = AbortSignal.any([call.signal, over.signal]);
    // How it ends is how the environment ends: gone, or with the connection cut.
    const copied = this.copy(driver, environment, true, { ...call, signal }).catch(() => undefined);
    try {
      await work();
      const waited = this.session.clock.sleep(LAST_WORDS_SECONDS, signal).catch(() => undefined);
      await Promise.race([copied, waited]);
    } finally {
      over.abort();
      await copied;
    }
  }

  /** For the tombstone. Undefined: there were none. */
  record(environment: Environment | undefined): KeptLogsRecord | undefined {
    const { clock, keptLogs } = this.session;
    if (this.byProvider) {
      const until = new Date(clock.now().getTime() + this.keepSeconds * 1000).toISOString();
      return environment && { until, environment };
    }
    const id = resourceIdOf(this.document);
    const kept = keptLogs.livesOf(this.document.id).find((log) => log.id === id);
    if (!kept) return undefined;
    if (kept.segments.some(({ bytes }) => bytes > 0)) return { until: kept.until.toISOString() };
    keptLogs.remove(kept);
    return undefined;
  }

  /** One that takes longer is destroyed as it is. */
  private async stop(driver: EnvironmentDriver, environment: Environment, { signal, ...rest }: Call): Promise<void> {
    const { clock } = this.session;
    const over = new AbortController();
    const call = { ...rest, signal: AbortSignal.any([signal, over.signal]) };
    const { id } = environment;
    const stopped = stopServices(
      clock,
      driver,
      { ref: environment, services: Object.keys(this.document.spec?.services ?? {}), doing: `stop ${id}` },
      call,
    ).catch((error: unknown) => {
      if (!over.signal.aborted) throw error;
    });
    await Promise.race([stopped, clock.sleep(STOP_SECONDS, over.signal).catch(() => undefined)]).finally(() =>
      over.abort(),
    );
    await stopped;
  }

  private async copy(driver: EnvironmentDriver, environment: Environment, follow: boolean, call: Call): Promise<void> {
    const writer = this.open();
    try {
      const { cursor } = writer;
      const query = { follow, ...(cursor !== undefined && { after: cursor }) };
      for await (const line of driver.logs(environment, query, call)) {
        writer.append(line);
        if (follow) writer.flush(); // there is no second chance to read it
      }
    } catch (error) {
      if (!ProviderError.is(error) || error.code !== 'not-found') throw error;
    } finally {
      writer.close();
    }
    if (writer.lacksLines) this.warn('there is no room for all of it');
  }

  private open(): KeptLogWriter {
    const { clock, keptLogs } = this.session;
    const endedAt = clock.now();
    return keptLogs.open({
      id: resourceIdOf(this.document),
      endedAt,
      until: new Date(endedAt.getTime() + this.keepSeconds * 1000),
      maxBytes: (this.document.config?.logs.sizeMiB ?? 0) * 2 ** 20,
    });
  }

  /** Whoever destroys an environment wants it gone: logs that can't be had don't keep it. */
  private async orWarn(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (ProviderError.is(error) && ['cancelled', 'timeout', 'superseded'].includes(error.code)) throw error;
      this.warn(messageOf(error));
    }
  }

  private warn(why: string): void {
    const message = `the logs of environment ${this.document.id} are not kept whole: ${why}`;
    this.session.emit({ type: 'warning', message });
  }
}
