import type { Session } from './session.ts';

/** The same session, whose work another signal ends, too. */
export function sessionWith(session: Session, signal: AbortSignal | undefined): Session {
  if (!signal) return session;
  const either = AbortSignal.any([session.options.signal, signal]);
  const made: Session = {
    ...session,
    options: { ...session.options, signal: either },
    operations: { ...session.operations, signal: either },
    carryOn: async (run) => (await import('../environment/carry-on.ts')).carryOn(made, run),
  };
  return made;
}
