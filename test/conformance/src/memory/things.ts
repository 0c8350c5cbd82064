import { ProviderError, type Call, type Host, type Identity, type Resource } from '@clusternator/core/provider';
import type { ResourceDriver, ResourceRef, ResourceSpec } from '@clusternator/core/provider';
import { z } from 'zod';
import { isConflict, isMissing, type CloudClient } from './client.ts';

/** What the cloud says of anything. */
export const thingSchema = z.object({
  name: z.string(),
  version: z.number(),
  state: z.enum(['active', 'deleting', 'deleted']),
  tags: z.record(z.string(), z.string()),
  spec: z.looseObject({}),
});
type AnyThing = z.output<typeof thingSchema>;

/** Things of one kind. Their names follow from their ids: so a call that is made again finds what it made before. */
export abstract class Things<S extends ResourceSpec, T extends AnyThing, R extends Resource> implements ResourceDriver<
  S,
  R
> {
  constructor(
    protected readonly host: Host,
    protected readonly cloud: CloudClient,
    private readonly collection: 'environments' | 'slots' | 'volumes' | 'snapshots',
    private readonly schema: z.ZodType<T>,
  ) {}

  abstract ensure(spec: S, call: Call): Promise<R>;
  protected abstract show(thing: T): R;

  async read(ref: ResourceRef, call: Call): Promise<R | undefined> {
    const found = await this.find(ref, call);
    return found && this.show(found);
  }

  async *list(call: Call): AsyncGenerator<R> {
    const filter = { tag: `clusternator_project=${this.host.project}` };
    for await (const thing of this.cloud.list(this.collection, filter, this.schema, call))
      if (this.host.identify(thing.tags)) yield this.show(thing);
  }

  async destroy(ref: ResourceRef, call: Call): Promise<void> {
    const found = await this.find(ref, call);
    if (!found || found.state === 'deleting') return;
    try {
      // Only slots have a version in their handle: what was made anew since is another.
      const condition = ref.handle?.version === undefined ? {} : { ifMatch: ref.handle.version };
      await this.cloud.ask({ method: 'DELETE', path: this.pathOf(ref), ...condition, schema: z.unknown() }, call);
    } catch (error) {
      if (!isMissing(error)) throw error; // it went in the meantime
    }
  }

  protected pathOf({ id }: ResourceRef): string {
    return `${this.collection}/${this.host.name([this.collection, id], { maxLength: 40 })}`;
  }

  /** The cloud keeps the name of what was deleted for a while: that is nothing. @throws ProviderError `owned-by-other`. */
  protected async find(ref: ResourceRef, call: Call): Promise<T | undefined> {
    const found = await this.cloud.find(this.pathOf(ref), this.schema, call);
    if (!found || found.state === 'deleted') return undefined;
    this.identify(found);
    return found;
  }

  /** Makes it, or changes what was `found`, on condition that it is still so. What somebody else added to its tags stays. */
  protected async put(spec: S, body: object, found: T | undefined, call: Call): Promise<T> {
    const condition = found ? { ifMatch: String(found.version) } : { ifNew: true };
    const whole = { tags: { ...found?.tags, ...spec.tags }, spec: body };
    const request = { method: 'PUT', path: this.pathOf(spec), body: whole, ...condition, schema: this.schema } as const;
    try {
      return await this.cloud.ask(request, call);
    } catch (error) {
      const other = isConflict(error) ? await this.find(spec, call) : undefined;
      if (!other || this.identify(other).fingerprint !== spec.fingerprint) throw error;
      return other; // another call of ours was first, or an answer was lost
    }
  }

  protected identify({ name, tags }: AnyThing): Identity {
    const identity = this.host.identify(tags);
    if (identity) return identity;
    throw new ProviderError('owned-by-other', `${name} is there already, and not ours`, {
      hint: 'rename or remove it, or choose another project name',
    });
  }

  /** What every resource tells. */
  protected common(thing: T): Required<Pick<Resource, 'id' | 'fingerprint' | 'tags' | 'handle'>> {
    const { id, fingerprint, tags } = this.identify(thing);
    return { id, fingerprint, tags, handle: { name: thing.name } };
  }
}
