/** Whose a name or a tag is. Two projects or two stages never share one. */
export interface Owner {
  readonly project: string;
  readonly stage: string;
}
/** The stage of a config that names none. It is left out of host names. */
export const DEFAULT_STAGE = 'default';
