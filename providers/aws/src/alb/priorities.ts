import { createHash } from 'node:crypto';
import { ProviderError } from '@clusternator/core/provider';

/** 1 to 50,000, each once a listener; the lowest that matches wins.
 *  @see https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateRule.html */
const BAND = 5000;
const DEEPEST = 9;

/**
 * Where a rule may go: the deeper its path, the earlier, since the first that matches wins. Rules of one depth never match one request,
 * for each has hosts of its own or another path.
 * @returns All priorities of the depth, each once, from one that follows from the name on.
 * @throws ProviderError `invalid`: the path is too deep.
 */
export function* prioritiesFor(name: string, route: string): Generator<number> {
  const depth = priorityDepth(route);
  if (depth > DEEPEST) {
    throw new ProviderError('invalid', `the path ${route} has more than ${String(DEEPEST)} parts`, { path: 'route' });
  }
  const from = (DEEPEST - depth) * BAND;
  const first = createHash('sha256').update(name).digest().readUInt32BE() % BAND;
  for (let step = 0; step < BAND; step++) yield from + ((first + step) % BAND) + 1;
}

/** How many words a path has. */
export function priorityDepth(route: string): number {
  return route.split('/').filter((part) => part !== '').length;
}
