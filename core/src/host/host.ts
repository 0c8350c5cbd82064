import type { FilesArtefact } from '../artefact/artefact.ts';
import type { EngineEvent } from '../engine/events.ts';
import { identify } from '../names/tags.ts';
import { resourceName } from '../names/resource-name.ts';
import { ProviderError } from '../provider/error.ts';
import type { Call, Host } from '../provider/host.ts';
import type { NativeSettings } from '../provider/resource.ts';
import type { Secret } from '../provider/secret.ts';

/** What a project's host is made from. */
export interface HostParts {
  readonly project: string;
  readonly stage: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly now: () => Date;
  readonly sleep: (seconds: number, signal: AbortSignal) => Promise<void>;
  readonly pace: (limit: string, call: Call) => Promise<void>;
  readonly emit: (event: EngineEvent) => void;
  readonly secret: (name: string) => Promise<string>;
  readonly folder: (artefact: FilesArtefact) => Promise<string>;
}

/** A host, and the end of all that its drivers opened. */
export function makeHost(parts: HostParts): { readonly host: Host; close(): Promise<void> } {
  const ends: (() => void | Promise<void>)[] = [];
  const scope = { project: parts.project, stage: parts.stage };
  const host: Host = {
    ...scope,
    fetch: globalThis.fetch,
    env: parts.env,
    now: parts.now,
    sleep: (seconds, call) => parts.sleep(seconds, call.signal),
    pace: parts.pace,
    log: (level, message, fields) => {
      parts.emit({ type: 'log', level, message, ...(fields && { fields }) });
    },
    name: (words, rule) => resourceName(scope, words, rule),
    identify: (tags) => identify(scope, tags),
    reveal: (secret: Secret) => {
      if (secret.reference !== undefined) {
        throw new ProviderError(
          'invalid',
          `secret ${secret.name} is a reference to the cloud's own, it has no value here`,
        );
      }
      return parts.secret(secret.name);
    },
    folder: (artefact) => parts.folder(artefact),
    onClose: (end) => {
      ends.push(end);
    },
    merge: (request, native) => mergeNative(request, native),
  };
  return {
    host,
    async close() {
      for (const end of ends.splice(0).reverse()) await end();
    },
  };
}

/** Lays `native:` settings over a request, deeply. Lists are replaced. */
export function mergeNative<T extends object>(request: T, native: NativeSettings | undefined): T {
  if (!native) return request;
  const merged: Record<string, unknown> = Object.fromEntries(Object.entries(request));
  for (const [key, value] of Object.entries(native)) {
    const below = merged[key];
    Object.defineProperty(merged, key, {
      value: isPlainObject(below) && isPlainObject(value) ? mergeNative(below, value) : value,
      enumerable: true,
      writable: true,
      configurable: true,
    });
  }
  return merged as T; // the cloud validates what its own settings make of the request
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
