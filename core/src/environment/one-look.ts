import type { Session } from '../host/session.ts';
import type { Repository } from '../source/repository.ts';

/** The session of one verb: a repository that it needs again is not opened again, which takes a run of git. */
export function withOneLook(session: Session): Session {
  const known = new Map<string, Repository>();
  return {
    ...session,
    async repository(directory) {
      const before = known.get(directory);
      if (before) return before;
      const opened = await session.repository(directory);
      for (const name of [directory, opened.rootFolder]) known.set(name, opened);
      return opened;
    },
  };
}
