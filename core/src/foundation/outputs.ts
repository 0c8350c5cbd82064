import type { z } from 'zod';
import type { BoundProvider } from '../host/drivers.ts';
import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import type { FoundationDriver } from '../provider/foundation.ts';
import { FOUNDATION } from '../provider/tokens.ts';
import type { Stored } from '../state/document-store.ts';
import type { FoundationDocument } from './documents.ts';

interface Known {
  readonly revision: string;
  readonly outputs: unknown;
}

/** The outputs of a project's foundations, as its drivers get them: read once, and again once they are seen to have changed. */
export class FoundationOutputs {
  readonly #known = new Map<string, Promise<Known>>();

  constructor(private readonly session: Pick<Session, 'documents' | 'briefly' | 'project' | 'stage'>) {}

  /** @throws ProviderError `not-found`: there is no foundation; `invalid`: it was made by another version of its provider. */
  async of(bound: BoundProvider): Promise<unknown> {
    const id = idOf(bound);
    const known = this.#known.get(id) ?? this.#read(bound, id);
    this.#known.set(id, known);
    try {
      return (await known).outputs;
    } catch (error) {
      if (this.#known.get(id) === known) this.#known.delete(id);
      throw error;
    }
  }

  /** Takes what the document now says. @returns False: drivers of this version can't use it. */
  async see(bound: BoundProvider, { id, revision, document }: Stored<FoundationDocument>): Promise<boolean> {
    const before = await this.#known.get(id)?.catch(() => undefined); // it is read anew
    if (before?.revision === revision) return true;
    const outputs = await usableOutputs(bound, document);
    if (!outputs.success) {
      this.#known.delete(id);
      return false;
    }
    this.#known.set(id, Promise.resolve({ revision, outputs: outputs.data }));
    return true;
  }

  forget(id: string): void {
    this.#known.delete(id);
  }

  async #read(bound: BoundProvider, id: string): Promise<Known> {
    const { project, stage, documents } = this.session;
    const found = await this.session.briefly(`read foundation ${id}`, (call) => documents.foundations.get(id, call));
    if (!found || isUnmade(found.document)) {
      const why = found ? `: it is ${found.document.phase}` : '';
      throw new ProviderError('not-found', `${project} (stage ${stage}) has no foundation at ${id} yet${why}`, {
        effect: 'none',
        hint: 'clusternator foundation create makes it, as does the first env create',
      });
    }
    const outputs = await usableOutputs(bound, found.document);
    if (outputs.success) return { revision: found.revision, outputs: outputs.data };
    throw new ProviderError(
      'invalid',
      `the foundation ${id} was made by another version of its provider: ${issueOf(outputs.error)}`,
      { effect: 'none', hint: 'clusternator foundation create brings it up to date' },
    );
  }
}

/** False: it needs a foundation, and there is none that anything could stand on. */
export async function canStand(session: Session, { foundation: id }: BoundProvider): Promise<boolean> {
  if (id === undefined) return true;
  const found = await session.briefly(`read foundation ${id}`, (call) => session.documents.foundations.get(id, call));
  return found !== undefined && !isUnmade(found.document);
}

/** Nothing can stand on it. */
export function isUnmade({ foundation, phase }: FoundationDocument): boolean {
  return foundation?.outputs === undefined || phase === 'destroying';
}

/** Names what does not fit. */
export function issueOf(error: z.ZodError): string {
  const [issue] = error.issues;
  return issue ? `${['outputs', ...issue.path].join('.')}: ${issue.message}` : error.message;
}

/** The driver of a provider that has a foundation. */
export async function foundationDriver(bound: BoundProvider): Promise<FoundationDriver<unknown>> {
  // Every project has this class: a command that only prints a list is not to load what binds providers.
  const { driverOf } = await import('../host/drivers.ts');
  return driverOf(bound, FOUNDATION, 'foundation');
}

async function usableOutputs(
  bound: BoundProvider,
  { foundation }: FoundationDocument,
): Promise<z.ZodSafeParseResult<unknown>> {
  return (await foundationDriver(bound)).outputs.safeParse(foundation?.outputs);
}

function idOf({ foundation, provider }: BoundProvider): string {
  if (foundation !== undefined) return foundation;
  throw new ProviderError('unsupported', `provider "${provider.id}" has no foundation`, { path: 'provider' });
}
