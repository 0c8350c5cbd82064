import { isDeepStrictEqual } from 'node:util';

import type { Session } from '../host/session.ts';
import { driverOf } from '../host/drivers.ts';
import { askParts, troublesOf } from '../environment/ask-parts.ts';
import type { Environment, EnvironmentDriver, Health, HealthCheck } from '../environment/environment.ts';
import { resourceIdOf } from '../environment/life.ts';
import { publicParts, type PublicPart } from '../environment/public-parts.ts';
import { ProviderError } from '../provider/error.ts';
import type { Call } from '../provider/host.ts';
import { ENVIRONMENTS } from '../provider/tokens.ts';
import type { EnvironmentDocument } from '../state/documents.ts';

/** In a row, whatever the config says: what answers well every other time is not healthy. */
const LEAST_SUCCESSES = 3;
const EXTRA_PAUSE_SECONDS = 0.001;
const LEAST_WINDOW_SECONDS = 10;
/** Traffic goes only to what proved healthy no longer ago. */
export const FRESH_SECONDS = 60;

export interface GateOptions {
  /** Of the slot's config, in place of the services' own checks. */
  readonly health?: HealthCheck;
  /** How long the first success may take: what scaled to nothing has to start. */
  readonly windowSeconds: number;
  /** What its provider said of it just now, so that it is not asked at once again. */
  readonly said?: Health;
}

/** What one look at an environment found. No troubles: healthy. */
export interface Look {
  readonly troubles: readonly string[];
  readonly parts: readonly PublicPart[];
}

/**
 * The health gate before traffic moves: core's own requests several times in a row, and the provider's word as often as the config asks for
 * successes. Asking also warms it up. One failure after a success is a failure: it flaps.
 * @throws ProviderError `unhealthy`, with what each part answered.
 */
export async function passGate(
  session: Session,
  document: EnvironmentDocument,
  options: GateOptions,
  call: Call,
): Promise<void> {
  const { clock } = session;
  const { asked, times, pauseSeconds } = rhythm(document, options.health);
  const until = clock.monotonicSeconds() + options.windowSeconds;
  let parts: readonly PublicPart[] = [];
  let { said } = options;
  for (let successes = 0; successes < times;) {
    // A provider that is asked again at once says what it just said.
    const isAnswersOnly = successes >= asked && parts.length > 0;
    const look = isAnswersOnly
      ? { troubles: await askParts(session, parts, call), parts }
      : await lookAt(session, document, options.health, call, said);
    said = undefined;
    if (look.troubles.length === 0) {
      parts = look.parts;
      successes++;
      if (successes < times) await clock.sleep(pauseSeconds(successes), call.signal);
      continue;
    }
    if (successes > 0 || clock.monotonicSeconds() >= until) throw unhealthy(document, look.troubles, successes);
    await clock.sleep(Math.min(0.25, options.windowSeconds / 4), call.signal);
  }
}

/**
 * One look: the provider's word and a request to each public part, at the same time.
 * @param heard - Its word, where it was just asked.
 * @returns Also the parts, where they are now.
 */
export async function lookAt(
  session: Session,
  document: EnvironmentDocument,
  health: HealthCheck | undefined,
  call: Call,
  heard?: Health,
): Promise<Look> {
  const { spec, environment, rebuilt } = document;
  const failed = (...troubles: string[]) => ({ troubles, parts: [] });
  if (rebuilt?.lacks !== undefined)
    return failed(`what it was made from is not known since the state was rebuilt: ${rebuilt.lacks}`);
  if (!spec || !environment) return failed(`it is ${document.phase}`);
  const driver = await environmentDriver(session, document);
  const parts = publicParts(spec, environment).map((part) =>
    health && part.kind === 'service' ? { ...part, ...health, checkUrl: new URL(health.path, part.url).href } : part,
  );
  const [said, unanswered] = await Promise.all([
    heard ??
      driver.health(environment, call).catch((error: unknown) => {
        if (ProviderError.is(error) && error.code === 'not-found') return undefined;
        throw error;
      }),
    askParts(session, parts, call),
  ]);
  if (!said) return failed('its provider does not know it');
  if (unanswered.length > 0) {
    // An address is only as it was last seen: a daemon that was started anew may listen elsewhere.
    const now = await driver.read({ id: resourceIdOf(document), handle: environment.handle }, call);
    const urls = (one: Environment): readonly string[] => publicParts(spec, one).map(({ url }) => url);
    if (now && !isDeepStrictEqual(urls(now), urls(environment)))
      return lookAt(session, { ...document, environment: now }, health, call);
  }
  return { troubles: troublesOf(said, unanswered), parts };
}

/** How long an environment may take to answer, from when it has its disks. */
export function windowOf({ config, spec }: EnvironmentDocument, slot: string): number {
  const checks = [config?.slots[slot]?.health, ...Object.values(spec?.services ?? {}).map(({ health }) => health)];
  return Math.max(LEAST_WINDOW_SECONDS, ...checks.map((check) => check?.withinSeconds ?? 0));
}

export async function environmentDriver(session: Session, document: EnvironmentDocument): Promise<EnvironmentDriver> {
  return driverOf(await session.bind(document.provider), ENVIRONMENTS, 'environments');
}

/** The config's own successes at its own pace; those that we add follow each other closely. */
function rhythm(document: EnvironmentDocument, health: HealthCheck | undefined) {
  const checks = health ? [health] : Object.values(document.spec?.services ?? {}).flatMap((one) => one.health ?? []);
  const asked = Math.max(1, ...checks.map(({ healthyAfter }) => healthyAfter));
  const everySeconds = Math.max(0.1, ...checks.map((check) => check.everySeconds));
  return {
    asked,
    times: Math.max(LEAST_SUCCESSES, asked),
    pauseSeconds: (successes: number) => (successes < asked ? everySeconds : EXTRA_PAUSE_SECONDS),
  };
}

function unhealthy({ id }: EnvironmentDocument, troubles: readonly string[], successes: number): ProviderError {
  const flaps = successes > 0 ? ` after ${String(successes)} good answers` : '';
  return new ProviderError('unhealthy', `environment ${id} is not healthy${flaps}: ${troubles.join('; ')}`, {
    hint: `clusternator env logs ${id}`,
  });
}
