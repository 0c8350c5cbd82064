import { createHash } from 'node:crypto';
import { ProviderError, type Tags } from '@clusternator/core/provider';
import type { InstanceId } from './instance.ts';

const ENVIRONMENT = 'clusternator_environment';
const SERVICE = 'clusternator_service';
const INSTANCE = 'clusternator_instance';
const HOME = 'clusternator_home';
const SPEC = 'clusternator_spec';
const OURS: ReadonlySet<string> = new Set([ENVIRONMENT, SERVICE, INSTANCE, HOME, SPEC]);
/** Containers are found by their names in DNS too. @see https://www.rfc-editor.org/rfc/rfc1035#section-2.3.4 */
const LONGEST_NAME = 63;

type Labels = Readonly<Record<string, string>> | null | undefined;

/** The names and labels of one state folder: two folders on one engine never touch each other's containers. */
export class Ownership {
  /** @throws ProviderError `invalid`. */
  constructor(readonly home: string) {
    if (!/^[a-z0-9]{4,16}$/.test(home)) {
      throw new ProviderError('invalid', `a home has 4 to 16 of [a-z0-9], not ${JSON.stringify(home)}`);
    }
  }

  /** Dots keep the words apart: none of them has one. */
  containerName({ environment, service, index }: InstanceId): string {
    return this.name([environment, service, String(index)]);
  }

  networkName(environment: string): string {
    return this.name([environment]);
  }

  labels(tags: Tags): Record<string, string> {
    return { ...tags, [HOME]: this.home };
  }

  networkLabels(environment: string, tags: Tags): Record<string, string> {
    return { ...this.labels(tags), [ENVIRONMENT]: environment };
  }

  containerLabels(id: InstanceId, spec: string, tags: Tags): Record<string, string> {
    return {
      ...this.networkLabels(id.environment, tags),
      [SERVICE]: id.service,
      [INSTANCE]: String(id.index),
      [SPEC]: spec,
    };
  }

  owns(labels: Labels): boolean {
    return labels?.[HOME] === this.home;
  }

  /** @throws ProviderError `owned-by-other`. */
  assertOwns(labels: Labels, what: string): void {
    if (this.owns(labels)) return;
    throw new ProviderError('owned-by-other', `${what} was not made from this state folder, and is left as it is`, {
      hint: 'rename or remove it, if nobody needs it',
    });
  }

  /** For the engine's lists. */
  filter(tags: Tags): { label: string[] } {
    return { label: Object.entries(this.labels(tags)).map(([key, value]) => `${key}=${value}`) };
  }

  private name(words: readonly string[]): string {
    const name = `clusternator-${this.home}.${words.join('.')}`;
    if (name.length <= LONGEST_NAME) return name;
    const hash = createHash('sha256').update(name).digest('hex').slice(0, 8);
    return `${name.slice(0, LONGEST_NAME - hash.length - 1)}-${hash}`;
  }
}

/** The tags that were asked for, without the labels that we add. */
export function tagsOf(labels: Labels): Tags {
  return Object.fromEntries(Object.entries(labels ?? {}).filter(([key]) => !OURS.has(key)));
}

export function specOf(labels: Labels): string | undefined {
  return labels?.[SPEC];
}

/** Which instance a container is, by its labels. */
export function instanceOf(labels: Labels): InstanceId | undefined {
  const environment = labels?.[ENVIRONMENT];
  const service = labels?.[SERVICE];
  const index = Number(labels?.[INSTANCE]);
  return environment && service && Number.isInteger(index) ? { environment, service, index } : undefined;
}
