import { shortHash } from '../names/shorten.ts';

/** What a tag's value holds. */
const LONGEST = 63;

/** Where a volume of the config is kept: the id of the first volume there. */
export function placeId(
  name: string,
  where:
    | { readonly scope: 'project' }
    | { readonly scope: 'slot'; readonly slot: string }
    | { readonly scope: 'env'; readonly resource: string },
): string {
  if (where.scope === 'project') return fitting(`project-${name}`);
  return fitting(where.scope === 'slot' ? `slot-${where.slot}-${name}` : `${where.resource}-${name}`);
}

/** Words as an id, whatever their length: of [a-z0-9-], at most 63. */
export function fitting(text: string): string {
  const plain = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
  if (plain.length <= LONGEST && plain === text) return plain;
  const hash = shortHash(text);
  return `${plain.slice(0, LONGEST - hash.length - 1).replace(/-+$/, '')}-${hash}`;
}

/** `data-20260102-030405-x1y2`: for a glance, and in order. `unique` tells apart those of one second. */
export function datedId(name: string, at: Date, unique: string): string {
  const digits = at.toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
  const hash = shortHash(unique).slice(-4);
  const short = name.slice(0, LONGEST - digits.length - hash.length - 2).replace(/-+$/, '');
  return `${short}-${digits}-${hash}`;
}
