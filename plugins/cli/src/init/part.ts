/** Something in a repository that can be deployed. `folder` is relative to its top, `.` for the top itself. */
export type Part =
  | {
      readonly kind: 'container';
      readonly name: string;
      readonly folder: string;
      readonly port: number;
      readonly why: string;
    }
  | {
      readonly kind: 'process';
      readonly name: string;
      readonly folder: string;
      readonly install?: string;
      readonly command: string;
      readonly port: number;
      readonly why: string;
    }
  | {
      readonly kind: 'site';
      readonly name: string;
      readonly folder: string;
      readonly install?: string;
      readonly build?: string;
      /** Where the files are, relative to the top of the repository. */
      readonly dir: string;
      readonly fallback?: string;
      readonly why: string;
    };

const LONGEST_NAME = 30;

/** A name as configs take it: lower-case letters, digits and single hyphens, beginning with a letter. */
export function nameOf(text: string, otherwise: string): string {
  const name = text
    .toLowerCase()
    .replace(/^@[^/]*\//, '')
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+/, '')
    .slice(0, LONGEST_NAME)
    .replace(/-+$/, '');
  return name === '' || name === 'constructor' ? otherwise : name;
}
