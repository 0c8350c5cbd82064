import { pollUntilSettled } from '../engine/poll.ts';
import { retrying } from '../engine/retry.ts';
import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import type { Call } from '../provider/host.ts';
import type { Phase } from '../provider/resource.ts';
import { askParts, PROBE_SECONDS, troublesOf } from './ask-parts.ts';
import type { Environment, EnvironmentDriver, EnvironmentSpec } from './environment.ts';
import { publicParts } from './public-parts.ts';

/**
 * Asks for an environment until its provider has made it.
 * @param told - Of how it is, each time that it was asked for.
 * @throws ProviderError `unhealthy`: a part of it failed, with the part's own last words; `already-exists`: it was made from another spec.
 */
export async function makeEnvironment(
  session: Session,
  driver: EnvironmentDriver,
  spec: EnvironmentSpec,
  call: Call,
  told: (now: Environment) => Promise<void> = () => Promise.resolve(),
): Promise<Environment> {
  const doing = `make environment ${spec.id}`;
  const { clock } = session;
  const ensure = async (): Promise<Environment> => {
    // The same call again is safe under the same token, so what a lost answer did is found by asking again.
    const now = await retrying(() => driver.ensure(spec, call), {
      clock,
      call,
      doing,
      observe: () => Promise.resolve({ state: 'again' }),
    });
    await told(now);
    return now;
  };
  const made = await pollUntilSettled(ensure, { clock, call, doing });
  if (made.fingerprint !== undefined && made.fingerprint !== spec.fingerprint) {
    throw new ProviderError('already-exists', `environment ${spec.id} is there, but made from other settings`, {
      hint: 'destroy it first, or deploy with the settings that it was made from',
    });
  }
  if (made.phase !== 'active') throw new ProviderError('unhealthy', failureOf(spec, made));
  return made;
}

/** Which parts are not as they should be, in their own words. */
function failureOf(spec: EnvironmentSpec, environment: Environment): string {
  const failed = Object.entries(environment.parts).filter(([, part]) => part.phase === 'failed');
  const told = failed.map(([name, part]) => `${name}: ${part.message ?? 'failed'}`);
  const all = told.length > 0 ? told : [environment.message ?? `it is ${environment.phase}`];
  return `environment ${spec.id} did not start.\n${all.join('\n')}`;
}

/**
 * Waits until the provider and core's own requests agree that every part is healthy.
 * @throws ProviderError `unhealthy`, naming each part that is not, with what it answered last.
 */
export async function verifyHealth(
  session: Session,
  driver: EnvironmentDriver,
  spec: EnvironmentSpec,
  environment: Environment,
  call: Call,
): Promise<void> {
  const parts = publicParts(spec, environment);
  const within = Object.values(spec.services).map((service) => service.health?.withinSeconds ?? 0);
  const deadline = session.clock.monotonicSeconds() + Math.max(PROBE_SECONDS, ...within);
  const look = async (): Promise<{ phase: Phase; message?: string }> => {
    const [health, unanswered] = await Promise.all([driver.health(environment, call), askParts(session, parts, call)]);
    const troubles = troublesOf(health, unanswered);
    if (troubles.length === 0) return { phase: 'active' };
    const message = troubles.join('; ');
    return { phase: session.clock.monotonicSeconds() < deadline ? 'creating' : 'failed', message };
  };
  const seen = await pollUntilSettled(look, { clock: session.clock, call, doing: `check environment ${spec.id}` });
  if (seen.phase !== 'active') {
    throw new ProviderError('unhealthy', `environment ${spec.id} is not healthy: ${seen.message ?? ''}`);
  }
}

/** Asks for the end of a resource until its provider says that it is gone. */
export async function destroyUntilGone(
  session: Session,
  what: string,
  driver: {
    destroy(
      ref: { readonly id: string; readonly handle?: Readonly<Record<string, string>> },
      call: Call,
    ): Promise<void>;
    read(
      ref: { readonly id: string; readonly handle?: Readonly<Record<string, string>> },
      call: Call,
    ): Promise<{ readonly phase: Phase; readonly message?: string } | undefined>;
  },
  ref: { readonly id: string; readonly handle?: Readonly<Record<string, string>> },
  call: Call,
): Promise<void> {
  const { clock } = session;
  const doing = `destroy ${what} ${ref.id}`;
  const ask = async (): Promise<{ phase: Phase; message?: string; gone: boolean }> => {
    await retrying(() => driver.destroy(ref, call), {
      clock,
      call,
      doing,
      observe: () => Promise.resolve({ state: 'again' }),
    });
    const left = await driver.read(ref, call);
    if (!left) return { phase: 'destroying', gone: true };
    return { phase: left.phase, gone: false, ...(left.message !== undefined && { message: left.message }) };
  };
  await pollUntilSettled(ask, { clock, call, doing, isSettled: ({ gone }) => gone });
}
