/** As RDS, EFS and EC2 write a tag. */
export interface AwsTag {
  readonly Key?: string | undefined;
  readonly Value?: string | undefined;
}

/** Names of our own beside core's tags, which all begin with `clusternator_`. */
export const SIZE_TAG = 'size_gib';
export const VOLUME_TAG = 'volume_id';
/** What EC2's console shows, and by which what has no name there is found. */
export const NAME_TAG = 'Name';

export function toAwsTags(tags: Readonly<Record<string, string>>): { Key: string; Value: string }[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

export function fromAwsTags(tags: readonly AwsTag[] | undefined): Readonly<Record<string, string>> {
  return Object.fromEntries((tags ?? []).flatMap(({ Key, Value = '' }) => (Key === undefined ? [] : [[Key, Value]])));
}
