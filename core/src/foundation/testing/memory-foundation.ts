import { z } from 'zod';
import type { RecordSet } from '../../dns/dns.ts';
import { ProviderError } from '../../provider/error.ts';
import type { Foundation, FoundationDriver, FoundationSpec } from '../../provider/foundation.ts';
import type { Deal } from '../../slot/testing/deal.ts';
import type { MemoryDns } from '../../slot/testing/memory-dns.ts';

/** In the order in which they are made. */
const PARTS = ['network', 'certificate', 'balancer'] as const;
type Part = (typeof PARTS)[number];

/** What the memory cloud keeps of one foundation. */
interface Kept {
  spec: FoundationSpec;
  readonly parts: Map<Part, string>;
  size: string;
}

/** A foundation in memory, made part by part: its certificate waits for a record. All dealings of one process go through `deal`. */
export class MemoryFoundation {
  readonly outputs: z.ZodType = z.strictObject({ network: z.string(), size: z.string() });
  /** By place. */
  readonly kept = new Map<string, Kept>();
  /** Every part that was ever made, by its own id. */
  readonly made: string[] = [];
  writes = 0;
  /** What it gives out, in place of what is so. */
  giveOut: ((kept: { readonly network: string; readonly size: string }) => unknown) | undefined;
  /** What reading it throws: it is in another account. */
  elsewhere: ProviderError | undefined;
  /** Before a part is made. */
  onMake: (part: string) => void = () => {};

  constructor(private readonly dns: MemoryDns) {}

  driver(
    deal: Deal,
    { place = '', size = 'small' }: { readonly place?: string; readonly size?: string },
  ): FoundationDriver<unknown> {
    const read = (): Foundation<unknown> | undefined => this.show(place);
    return {
      outputs: this.outputs,
      parts: ({ domain }) => [
        { what: 'network', settings: {} },
        { what: 'load balancer', settings: { size, https: domain !== undefined } },
      ],
      ensure: (spec) => deal('ensure foundation', () => this.goOn(place, spec, size)),
      read: ({ handle }) =>
        deal('read foundation', () => {
          if (handle && this.elsewhere) throw this.elsewhere;
          return read();
        }),
      list: async function* () {
        const found = read();
        if (found) yield found;
      },
      destroy: () =>
        deal('destroy foundation', () => {
          const kept = this.kept.get(place);
          const last = [...(kept?.parts.keys() ?? [])].at(-1);
          if (last === undefined) return;
          this.writes++;
          kept?.parts.delete(last);
          if (kept?.parts.size === 0) this.kept.delete(place);
        }),
    };
  }

  /** One part a call, as a cloud that makes its caller wait. */
  private goOn(place: string, spec: FoundationSpec, size: string): Foundation<unknown> {
    const kept: Kept = this.kept.get(place) ?? { spec, parts: new Map<Part, string>(), size };
    const next = PARTS.find((part) => !kept.parts.has(part));
    if (next !== undefined && (next !== 'balancer' || this.isValidated(spec))) {
      this.onMake(next);
      const id = `${next}-${String(this.made.length + 1)}`;
      this.writes++;
      this.made.push(id);
      kept.parts.set(next, id);
      this.kept.set(place, kept);
    }
    if (kept.size !== size || kept.spec.fingerprint !== spec.fingerprint) {
      this.writes++;
      Object.assign(kept, { size, spec });
    }
    const shown = this.show(place);
    if (!shown) throw new ProviderError('internal', 'what was made is not there');
    return shown;
  }

  private show(place: string): Foundation<unknown> | undefined {
    const kept = this.kept.get(place);
    if (!kept) return undefined;
    const { spec, parts, size } = kept;
    const network = parts.get('network') ?? '';
    const isWhole = PARTS.every((part) => parts.has(part));
    const outputs = this.giveOut?.({ network, size }) ?? { network, size };
    return {
      id: spec.id,
      fingerprint: spec.fingerprint,
      phase: isWhole ? 'active' : 'creating',
      handle: { network },
      ...(!isWhole && { message: `${String(parts.size)} of ${String(PARTS.length)} parts` }),
      ...(isWhole && { outputs }),
      ...(parts.has('certificate') && { records: validation(spec) }),
    };
  }

  private isValidated(spec: FoundationSpec): boolean {
    return validation(spec).every(({ name }) => this.dns.lookUp(name).length > 0);
  }
}

function validation({ domain }: FoundationSpec): readonly RecordSet[] {
  if (domain === undefined) return [];
  return [{ name: `_check.${domain}`, ttlSeconds: 300, type: 'CNAME', values: ['check.cloud.test'] }];
}
