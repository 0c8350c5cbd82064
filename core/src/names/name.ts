/** Projects, stages, services, sites, volumes and slots: words of [a-z0-9] with single hyphens between them, a letter first. Host names
 *  and resource names are put together from them, where two hyphens in a row separate. */
export const NAME = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;
/** What a tag's value and a host label hold. */
export const NAME_MAX_LENGTH = 63;
/** So that `<12 hex>-<slot>-<12 hex>-<6 digits>`, the longest id of an environment's resources, fits a tag's value. */
export const SLOT_NAME_MAX_LENGTH = 30;
const LIKE_AN_ENVIRONMENT = /^[0-9a-f]{8}(?:[0-9a-f]{4})?(?:-|$)/;

/** Why a text can't name a project, stage, service, site or volume. Undefined: it can. */
export function nameProblem(name: string, maxLength: number = NAME_MAX_LENGTH): string | undefined {
  if (name.length > maxLength) return `is ${name.length} characters long; at most ${maxLength} fit`;
  if (!NAME.test(name)) {
    return 'must be lower-case letters, digits and single hyphens, beginning with a letter and not ending with a hyphen';
  }
  // The only member of every object whose name passes the rule: looked up in a map that lacks it, it would seem to be there.
  if (name === 'constructor') return 'is a reserved word';
  return undefined;
}

/** As `nameProblem`, for slots: their host names may not be mistaken for an environment's or for an internationalised name. */
export function slotNameProblem(name: string): string | undefined {
  if (LIKE_AN_ENVIRONMENT.test(name)) return 'looks like the id of an environment';
  if (name === 'xn') return 'is a reserved word: host names that begin with xn-- are internationalised ones';
  return nameProblem(name, SLOT_NAME_MAX_LENGTH);
}
