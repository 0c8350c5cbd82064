import type { PushTarget } from '../artefact/engine-images.ts';
import type { ImageArtefact } from '../artefact/artefact.ts';
import type { ProjectConfig } from '../config/schema.ts';
import { retrying } from '../engine/retry.ts';
import { driverOf, type BoundProvider } from '../host/drivers.ts';
import type { Session } from '../host/session.ts';
import type { Call } from '../provider/host.ts';
import { IMAGES } from '../provider/tokens.ts';
import type { EnvironmentDocument } from '../state/documents.ts';

const REMOVE_SECONDS = 600;

/** Where a cloud takes images from. */
export interface ImageRegistry {
  repository(service: string, call: Call): Promise<PushTarget>;
}
type Images = Pick<ProjectConfig, 'provider' | 'registry'>;

/** Whether images leave the engine that builds them: to the provider's own registry, else to the config's. */
export function hasRegistry({ scope }: BoundProvider, { registry }: Pick<Images, 'registry'>): boolean {
  return scope.isRegistered(IMAGES) || registry !== undefined;
}

/** Undefined: images stay on the engine that builds them. */
export async function imageRegistry(session: Session, config: Images): Promise<ImageRegistry | undefined> {
  const bound = await session.bind(config.provider);
  if (!hasRegistry(bound, config)) return undefined;
  if (!bound.scope.isRegistered(IMAGES))
    return { repository: (service) => Promise.resolve({ name: `${config.registry ?? ''}/${service}` }) };
  const driver = await driverOf(bound, IMAGES, 'images');
  return {
    repository: (service, call) =>
      retrying(() => driver.repository(service, call), {
        ...asked(session, bound, `look for the repository of ${service}`, call),
      }),
  };
}

/** By what it is: the same image gets the same tag, and no tag is ever given to another. */
export function contentTag({ reference }: ImageArtefact): string {
  return reference.replace(/^.*sha256:/, '').slice(0, 32);
}

/** Removes what was pushed for an environment alone from its provider's registry. What went to the config's is the team's to keep. */
export async function removePushed(
  session: Session,
  { id, provider, pushed = [] }: Pick<EnvironmentDocument, 'id' | 'provider' | 'pushed'>,
): Promise<void> {
  if (pushed.length === 0) return;
  const bound = await session.bind(provider);
  if (!bound.scope.isRegistered(IMAGES)) return;
  const driver = await driverOf(bound, IMAGES, 'images');
  const needed = await neededByOthers(session, id);
  for (const reference of pushed.filter((one) => !needed.has(one))) {
    const doing = `remove the image ${reference}`;
    await session.briefly(
      doing,
      (call) => retrying(() => driver.destroy({ kind: 'image', reference }, call), asked(session, bound, doing, call)),
      REMOVE_SECONDS,
    );
  }
}

/** Also by what they run: one that was written down again after its document was lost does not tell what was pushed for it. */
async function neededByOthers(session: Session, id: string): Promise<ReadonlySet<string>> {
  return session.briefly('look for environments of the same images', async (call) => {
    const needed = new Set<string>();
    for await (const { id: other, document } of session.documents.environments.list(call))
      if (other !== id && document.phase !== 'gone') for (const one of imagesOf(document)) needed.add(one);
    return needed;
  });
}

function imagesOf({ pushed = [], spec, environment }: EnvironmentDocument): readonly string[] {
  const asked = Object.values(spec?.services ?? {}).map(({ artefact }) =>
    artefact.kind === 'image' ? artefact.reference : '',
  );
  const seen = Object.values(environment?.parts ?? {}).map(({ digest }) => digest ?? '');
  return [...pushed, ...asked, ...seen];
}

/** For what may be asked again whatever became of the request. */
export function asked(session: Session, bound: BoundProvider, doing: string, call: Call) {
  return {
    ...{ clock: session.clock, call, doing },
    errorOf: (cause: unknown) => bound.provider.errorOf(cause),
    observe: () => Promise.resolve({ state: 'again' as const }),
  };
}
