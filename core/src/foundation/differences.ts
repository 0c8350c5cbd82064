import type { FoundationPlan } from '../host/foundations.ts';

/** One thing in which two stages differ. Undefined: there is no such thing in that stage. */
export interface FoundationDifference {
  /** `config`: what the provider was told. `part`: what that asks for. `output`: the shape of what was made, where both were. */
  readonly kind: 'config' | 'part' | 'output';
  readonly what: string;
  readonly values: readonly [unknown, unknown];
}
type Kind = FoundationDifference['kind'];
type Facts = ReadonlyMap<string, { readonly kind: Kind; readonly what: string; readonly value: unknown }>;

/** In what two stages of one config differ, in the order in which it says it. No cloud is asked. */
export function foundationDifferences(first: FoundationPlan, second: FoundationPlan): readonly FoundationDifference[] {
  const areBothMade = first.outputs !== undefined && second.outputs !== undefined;
  const [one, other] = [factsOf(first, areBothMade), factsOf(second, areBothMade)];
  return [...new Map([...one, ...other])].flatMap(([key, { kind, what }]) => {
    const values = [one.get(key)?.value, other.get(key)?.value] as const;
    return values[0] === values[1] ? [] : [{ kind, what, values }];
  });
}

function factsOf({ provider, domain, config, parts = [], outputs }: FoundationPlan, withOutputs: boolean): Facts {
  const ofParts = parts.flatMap(({ what, settings }): [string, unknown][] => [
    [what, true],
    ...Object.entries(settings).map(([name, value]): [string, unknown] => [`${what}: ${name}`, value]),
  ]);
  const facts: readonly (readonly [Kind, readonly (readonly [string, unknown])[]])[] = [
    ['config', [['provider', provider], ['domain', domain], ...leaves(config, 'provider')]],
    ['part', ofParts],
    ['output', withOutputs ? shapes(outputs, 'outputs') : []],
  ];
  return new Map(
    facts.flatMap(([kind, all]) => all.map(([what, value]) => [`${kind} ${what}`, { kind, what, value }] as const)),
  );
}

/** Scalars by their path; a list is one of them, as its JSON. */
function leaves(value: unknown, path: string): readonly (readonly [string, unknown])[] {
  if (!isMap(value)) return [[path, Array.isArray(value) ? JSON.stringify(value) : value]];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, `${path}.${key}`));
}

/** Of ids nothing is told but that they are there, of lists how many. */
function shapes(value: unknown, path: string): readonly (readonly [string, unknown])[] {
  if (Array.isArray(value)) return [[path, `${String(value.length)} of them`]];
  if (!isMap(value)) return [[path, typeof value]];
  return Object.entries(value).flatMap(([key, inner]) => shapes(inner, `${path}.${key}`));
}

function isMap(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
