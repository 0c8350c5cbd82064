import { ProviderError, type Call, type Host, type Identity } from '@clusternator/core/provider';
import type { Foundation, FoundationDriver, FoundationSpec, Plan, ResourceRef } from '@clusternator/core/provider';
import { z } from 'zod';
import { isConflict, isMissing, type CloudClient } from './client.ts';
import { thingSchema } from './things.ts';

const outputsSchema = z.strictObject({ network: z.string() });
export type MemoryOutputs = z.output<typeof outputsSchema>;
type Part = z.output<typeof thingSchema>;

/** In the order in which they are made. The last says what the foundation was made from: so one that has it is whole. */
export const PARTS = ['network', 'firewall', 'gateway'] as const;
export type PartName = (typeof PARTS)[number];

/** What everything of a project and stage stands on: parts, each made by one request, under a name that says which it is. */
export class MemoryFoundations implements FoundationDriver<MemoryOutputs> {
  readonly outputs = outputsSchema;

  constructor(
    private readonly host: Host,
    private readonly cloud: CloudClient,
  ) {}

  parts(): readonly { readonly what: string; readonly settings: Readonly<Record<string, never>> }[] {
    return PARTS.map((what) => ({ what, settings: {} }));
  }

  async ensure(spec: FoundationSpec, call: Call): Promise<Foundation<MemoryOutputs>> {
    // All is looked at before anything is written: what is foreign stops it before it has begun.
    const found = await this.look(call);
    for (const [at, name] of PARTS.entries()) {
      if (this.isAsAsked(spec, found[at])) continue;
      found[at] = await this.put(name, spec, found[at], call);
    }
    return this.show(spec.id, found);
  }

  async read({ id }: ResourceRef, call: Call): Promise<Foundation<MemoryOutputs> | undefined> {
    const found = await this.look(call);
    return found.some(Boolean) ? this.show(id, found) : undefined;
  }

  async *list(call: Call): AsyncGenerator<Foundation<MemoryOutputs>> {
    const found = await this.look(call);
    const [first] = found.flatMap((part) => part ?? []);
    if (first) yield this.show(this.identify(first).id, found);
  }

  async destroy(_ref: ResourceRef, call: Call): Promise<void> {
    const found = await this.look(call);
    for (const [at, name] of [...PARTS.entries()].reverse()) {
      if (!found[at]) continue;
      try {
        await this.cloud.ask({ method: 'DELETE', path: this.pathOf(name), schema: z.unknown() }, call);
      } catch (error) {
        if (!isMissing(error)) throw error; // it went in the meantime
      }
    }
  }

  async plan(spec: FoundationSpec, call: Call): Promise<Plan> {
    const found = await this.look(call);
    const changes = PARTS.flatMap((what, at) => {
      if (this.isAsAsked(spec, found[at])) return [];
      return [{ action: found[at] ? ('change' as const) : ('create' as const), what }];
    });
    return { changes };
  }

  private isAsAsked(spec: FoundationSpec, part: Part | undefined): boolean {
    return part !== undefined && this.identify(part).fingerprint === spec.fingerprint;
  }

  /** By the order of `PARTS`. @throws ProviderError `owned-by-other`. */
  private look(call: Call): Promise<(Part | undefined)[]> {
    return Promise.all(PARTS.map((name) => this.find(name, call)));
  }

  private async find(name: PartName, call: Call): Promise<Part | undefined> {
    const found = await this.cloud.find(this.pathOf(name), thingSchema, call);
    if (found) this.identify(found);
    return found;
  }

  /** Makes it, or changes what was `found`, on condition that it is still so. */
  private async put(name: PartName, spec: FoundationSpec, found: Part | undefined, call: Call): Promise<Part> {
    const condition = found ? { ifMatch: String(found.version) } : { ifNew: true };
    const body = { tags: { ...found?.tags, ...spec.tags }, spec: { part: name } };
    const request = { method: 'PUT', path: this.pathOf(name), body, ...condition, schema: thingSchema } as const;
    try {
      return await this.cloud.ask(request, call);
    } catch (error) {
      const other = isConflict(error) ? await this.find(name, call) : undefined;
      if (!other || !this.isAsAsked(spec, other)) throw error;
      return other; // another call of ours was first, or an answer was lost
    }
  }

  private pathOf(name: PartName): string {
    return `grounds/${this.host.name(['grounds', name], { maxLength: 40 })}`;
  }

  private identify({ name, tags }: Part): Identity {
    const identity = this.host.identify(tags);
    if (identity) return identity;
    throw new ProviderError('owned-by-other', `${name} is there already, and not ours`, {
      hint: 'rename or remove it, or choose another project name',
    });
  }

  private show(id: string, found: readonly (Part | undefined)[]): Foundation<MemoryOutputs> {
    const missing = PARTS.filter((_, at) => found[at] === undefined);
    const [network] = found;
    const known = found.flatMap((part) => (part ? [this.identify(part)] : [])).at(-1);
    return {
      id,
      handle: {},
      ...(known && { fingerprint: known.fingerprint, tags: known.tags }),
      ...(network && missing.length === 0
        ? { phase: 'active', outputs: { network: network.name } }
        : { phase: 'creating', message: `it has no ${missing.join(' and no ')} yet` }),
    };
  }
}
