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
    ? checkConfig({ ...parsed.data, declared: declaredIn(data), whole: parsed.data })
    : [...problemsFrom(parsed.error.issues), ...(isMap(data) ? checkConfig(draftOf(data)) : [])];
  return parsed.success && found.length === 0 ? { config: parsed.data } : { problems: found };
}

/** What can be checked of a config that is not valid as a whole. */
function draftOf(data: Record<string, PlainData>): Draft {
  const { services, sites, volumes, slots } = sectionSchemas;
  return {
    services: validOf(data.services, (part) => services.safeParse(part)),
    sites: validOf(data.sites, (part) => sites.safeParse(part)),
    volumes: validOf(data.volumes, (part) => volumes.safeParse(part)),
    slots: validOf(data.slots, (part) => slots.safeParse(part)),
    declared: declaredIn(data),
  };
}

function validOf<T>(
  section: PlainData | undefined,
  parse: (part: PlainData) => { readonly success: true; readonly data: T } | { readonly success: false },
): Record<string, T> {
  const entries = Object.entries(isMap(section) ? section : {}).flatMap(([name, part]): [string, T][] => {
    const parsed = parse(part);
    return parsed.success ? [[name, parsed.data]] : [];
  });
  return Object.fromEntries(entries);
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
