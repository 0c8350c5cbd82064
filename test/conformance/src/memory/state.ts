import type { Call, StateStore } from '@clusternator/core/provider';
import { z } from 'zod';
import type { CloudClient } from './client.ts';
import { thingSchema } from './things.ts';

const documentSchema = thingSchema.extend({ spec: z.object({ value: z.string() }) });

/** Documents in the memory cloud; its versions are the revisions. */
export class MemoryState implements StateStore {
  constructor(private readonly cloud: CloudClient) {}

  async get(key: string, call: Call): Promise<{ readonly value: string; readonly revision: string } | undefined> {
    const found = await this.cloud.find(pathOf(key), documentSchema, call);
    return found && { value: found.spec.value, revision: String(found.version) };
  }

  async put(key: string, value: string, expected: string | null, call: Call): Promise<string> {
    const condition = expected === null ? { ifNew: true } : { ifMatch: expected };
    const body = { tags: {}, spec: { value } };
    const { version } = await this.cloud.ask(
      { method: 'PUT', path: pathOf(key), body, ...condition, schema: documentSchema },
      call,
    );
    return String(version);
  }

  async delete(key: string, expected: string, call: Call): Promise<void> {
    await this.cloud.ask({ method: 'DELETE', path: pathOf(key), ifMatch: expected, schema: z.unknown() }, call);
  }

  async *list(prefix: string, call: Call): AsyncGenerator<{ readonly key: string; readonly revision: string }> {
    for await (const { name, version } of this.cloud.list('documents', { prefix }, documentSchema, call))
      yield { key: name, revision: String(version) };
  }
}

function pathOf(key: string): string {
  return `documents/${encodeURIComponent(key)}`;
}
