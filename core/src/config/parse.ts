import type { z } from 'zod';
import { checkConfig, type Draft } from './check.ts';
import { errorMap, problemsFrom } from './issues.ts';
import { isMap, plainData, type PlainData } from './plain-data.ts';
import type { ConfigProblem } from './problem.ts';
import { projectConfigSchema, sectionSchemas, type ProjectConfig } from './schema.ts';

export type Parsed = { readonly config: ProjectConfig } | { readonly problems: readonly ConfigProblem[] };

/** Validates a config as it was written, and fills in its defaults. All problems come at once. */
export function parseConfig(raw: unknown): Parsed {
  const { data, problems } = plainData(raw);
  if (problems.length > 0) return { problems };
  const parsed = projectConfigSchema.safeParse(data, { error: errorMap });
  const found = parsed.success
    ? checkConfig({ ...parsed.data, declared: declaredIn(data), partial: new Set(), whole: parsed.data })
    : [...problemsFrom(parsed.error.issues), ...(isMap(data) ? checkConfig(draftOf(data)) : [])];
  return parsed.success && found.length === 0 ? { config: parsed.data } : { problems: found };
}

/** What can be checked of a config that is not valid as a whole. */
function draftOf(data: Record<string, PlainData>): Draft {
  const partial = new Set<string>();
  const valid = <T>(section: string, schema: z.ZodType<T>): Record<string, T> => {
    const parts = Object.entries(isMap(data[section]) ? data[section] : {});
    const entries = parts.flatMap(([name, part]): [string, T][] => {
      const parsed = schema.safeParse(part);
      if (parsed.success) return [[name, parsed.data]];
      partial.add(`${section}.${name}`);
      const rest = schema.safeParse(withoutFaults(part, parsed.error.issues));
      return rest.success ? [[name, rest.data]] : [];
    });
    return Object.fromEntries(entries);
  };
  return {
    services: valid('services', sectionSchemas.services),
    sites: valid('sites', sectionSchemas.sites),
    volumes: valid('volumes', sectionSchemas.volumes),
    slots: valid('slots', sectionSchemas.slots),
    declared: declaredIn(data),
    partial,
  };
}

function withoutFaults(part: PlainData, issues: readonly z.core.$ZodIssue[]): PlainData {
  if (!isMap(part)) return part;
  const faults = new Set(
    issues.flatMap((issue) =>
      issue.code === 'unrecognized_keys' && issue.path.length === 0 ? issue.keys : issue.path.slice(0, 1),
    ),
  );
  return Object.fromEntries(Object.entries(part).filter(([key]) => !faults.has(key)));
}

function declaredIn(data: PlainData | undefined): Draft['declared'] {
  const namesOf = (section: string): string[] => {
    const value = isMap(data) ? data[section] : undefined;
    return isMap(value) ? Object.keys(value) : [];
  };
  return {
    services: namesOf('services'),
    sites: namesOf('sites'),
    volumes: namesOf('volumes'),
    slots: namesOf('slots'),
  };
}
