import type { FilesArtefact } from '../artefact/artefact.ts';
import type { ProjectConfig } from '../config/schema.ts';
import { createInput, overridesOf } from '../environment/create.ts';
import { deployedConfig } from '../environment/deployed-config.ts';
import { forgetCommit } from '../environment/leave-nothing.ts';
import type { Session } from '../host/session.ts';
import { ProviderError, type ErrorCode } from '../provider/error.ts';

/** A commit as the repository has it, with its config as it would be deployed now. */
export interface KnownCommit {
  readonly sha: string;
  readonly subject: string;
  readonly author: string;
  readonly config: ProjectConfig;
  readonly source: FilesArtefact;
  /** The folder of the mirror that it came through. */
  readonly mirror: string;
  /** Of what the command line lays over its config now. */
  readonly overrides: string;
}
/** Or why it can't be known. */
export type CommitAnswer = KnownCommit | { readonly why: string };

/** Reads commits for as long as a rebuild takes, each once. */
export interface CommitReader {
  /** @param sha - Whole, or its first 12 hex. @throws ProviderError what may be otherwise the next time. */
  read(sha: string): Promise<CommitAnswer>;
  /** Lets go of what no environment turned out to need. */
  close(): Promise<void>;
}

/** What a repository and a config say for good. Everything else may be mended, and then nothing is to have been written. */
const FINAL: ReadonlySet<ErrorCode> = new Set(['not-found', 'invalid', 'refused', 'unsupported']);

/** Commits of the repository around the session's folder. @throws ProviderError `invalid`: there is none. */
export async function openCommits(session: Session): Promise<CommitReader> {
  const repository = await session.repository(session.options.directory);
  const owner = `${session.project}/${session.stage}/rebuild-${String(process.pid)}`;
  const read = async (sha: string): Promise<CommitAnswer> => {
    try {
      const input = await createInput(session, { sha });
      const { commit } = input;
      const tree = await session.artefacts.addTree(commit.tree, owner, (folder) => repository.checkout(commit, folder));
      const config = await deployedConfig(session, input, await session.artefacts.folder(tree.artefact));
      const { subject, author } = commit;
      const mirror = repository.mirror.folder;
      const overrides = await overridesOf(input);
      return { sha: commit.sha, subject, author, config, source: tree.artefact, mirror, overrides };
    } catch (error) {
      if (!ProviderError.is(error) || !FINAL.has(error.code)) throw error;
      return { why: error.message };
    }
  };
  const known = new Map<string, Promise<CommitAnswer>>();
  return {
    read(sha) {
      const answer = known.get(sha) ?? read(sha);
      known.set(sha, answer);
      return answer;
    },
    async close() {
      await session.artefacts.release(owner);
      for (const answer of known.values()) {
        const commit = await answer.catch(() => undefined);
        if (commit && 'sha' in commit) await forgetCommit(session, { ...commit, id: '', commit: commit.sha });
      }
    },
  };
}
