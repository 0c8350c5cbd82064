import { z } from 'zod';
import { NAME, NAME_MAX_LENGTH } from '../names/name.ts';
import type { Secret } from '../provider/secret.ts';
import { splitCommand } from './command-line.ts';
import { DURATION, parseDuration, parseSize, SIZE } from './units.ts';

/** A schema's own message, where the general one ("must be a string, is a number") would not help; what is missing is still "required". */
const say = (message: string) => ({
  error: (issue: { readonly input: unknown }) => (issue.input === undefined ? undefined : message),
});
const NAME_RULE =
  'must be lower-case letters, digits and single hyphens, beginning with a letter and not ending with a hyphen';

/** Of a project, stage, service, site or volume. */
export const nameSchema = z
  .string()
  .max(NAME_MAX_LENGTH)
  .regex(NAME, NAME_RULE)
  .refine((name) => name !== 'constructor', 'is a reserved word'); // every object seems to have a member of that name

/** Output: seconds. */
export function durationSchema(atLeastSeconds = 0) {
  const example = 'must be a duration such as 30s, 5m, 72h or 14d';
  return z
    .string(say(example))
    .regex(DURATION, { error: example, abort: true })
    .transform(parseDuration)
    .refine((seconds) => seconds >= atLeastSeconds, `must be at least ${atLeastSeconds}s`)
    .refine((seconds) => seconds <= 10 * 365 * 86_400, 'must be at most ten years');
}

/** Output: MiB. */
export function sizeSchema(atLeastMiB: number) {
  const example = 'must be a size such as 512Mi or 20Gi (powers of 1024)';
  return z
    .string(say(example))
    .regex(SIZE, { error: example, abort: true })
    .transform(parseSize)
    .refine((size) => size >= atLeastMiB, `must be at least ${atLeastMiB}Mi`);
}

const argument = z.union([z.string(), z.int()], { error: 'must be a text' }).transform(String);

/** A command as one line or as its arguments. Output: arguments. Never a shell. */
export const commandSchema = z.union([z.string(), z.array(argument)]).transform((command, context) => {
  const split = typeof command === 'string' ? splitCommand(command) : { argv: command };
  if ('argv' in split && !split.argv.some((text) => text.includes('\0')) && split.argv[0]) return split.argv;
  const problem = 'message' in split ? split : { message: 'is empty', hint: 'write a list such as: [node, server.js]' };
  context.addIssue({ code: 'custom', message: problem.message, params: { hint: problem.hint } });
  return z.NEVER;
});

/** A folder or file inside the commit's tree. Output: without `./` and a slash at its end; the tree itself is `.`. */
export const treePathSchema = z
  .string()
  .min(1, 'is empty')
  .superRefine((path, context) => {
    const problem = treePathProblem(path);
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
  })
  .transform(
    (path) =>
      path
        .split('/')
        .filter((word) => word !== '' && word !== '.')
        .join('/') || '.',
  );

function treePathProblem(path: string): string | undefined {
  if (path.startsWith('/') || /^[A-Za-z]:/.test(path)) return 'must be relative to the top of the repository';
  if (path.split(/[/\\]/).includes('..')) return 'must stay inside the repository: .. is not allowed';
  if (path.startsWith('~')) return 'must be relative to the top of the repository; ~ is not a home folder here';
  if (/\p{Cc}/u.test(path)) return 'must not contain control characters';
  if (path.includes('\\')) return 'must be written with / between folders';
  if (path.split('/')[0] === '.git') return 'must not be inside .git';
  return undefined;
}

/** A path prefix under the environment's host. Output: without a slash at its end. */
export const routeSchema = z
  .string()
  .regex(/^\//, { error: 'must begin with /', abort: true })
  .regex(
    /^\/(?:[A-Za-z0-9._~-]+\/)*[A-Za-z0-9._~-]*$/,
    'must be a path such as /api: letters, digits and . _ ~ - between single slashes',
  )
  .refine((route) => !route.split('/').some((word) => word === '.' || word === '..'), 'must not contain . or ..')
  .transform((route) => (route === '/' ? route : route.replace(/\/$/, '')));

const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** Of an environment variable. Those that begin with CLUSTERNATOR_ are set by us. */
export const envNameSchema = z
  .string()
  .regex(ENV_NAME, 'must be letters, digits and underscores, not beginning with a digit')
  .refine(
    (name) => !name.toUpperCase().startsWith('CLUSTERNATOR_'),
    'is ours: names that begin with CLUSTERNATOR_ are taken',
  );

/** A YAML `1.10` is the number 1.1 by the time that it is read: fractions have to be quoted. */
const envValue = z
  .union([z.string(), z.int(), z.boolean()], { error: 'must be a text; put quotes around it' })
  .transform(String)
  .refine((text) => !text.includes('\0'), 'must not contain a NUL character');
export const envSchema = z.record(envNameSchema, envValue);

/** Names, or names with the cloud's own references. Output: by the variable that each is given in. */
export const secretsSchema = z
  .union([z.array(envNameSchema), z.record(envNameSchema, z.union([z.string().min(1), z.null()]))])
  .transform((secrets): Record<string, Secret> => {
    const entries = Array.isArray(secrets) ? secrets.map((name) => [name, null] as const) : Object.entries(secrets);
    return Object.fromEntries(
      entries.map(([name, reference]) => [name, { name, ...(reference !== null && { reference }) }]),
    );
  });

const HOST =
  /^(?=.{1,253}$)(?:\*\.)?(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/;
/** A host name: lower-case ASCII, no last dot, no wildcard. */
export const hostSchema = z.string().superRefine((host, context) => {
  const problem = hostProblem(host);
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
});

function hostProblem(host: string): string | undefined {
  const long = host.split('.').find((label) => label.length > 63);
  if (long !== undefined)
    return `has a label of ${long.length} characters (${long.slice(0, 20)}…); at most 63 fit between two dots`;
  if (/^[a-z]+:\/\//i.test(host)) return 'must be a host name, without https:// and a path';
  if (/[^\x20-\x7e]/.test(host)) return `must be written in ASCII: ${asciiHost(host) ?? 'xn--…'}`;
  if (!HOST.test(host) || host.startsWith('*')) return 'must be a host name in lower case, such as www.example.com';
  return undefined;
}

function asciiHost(host: string): string | undefined {
  const url = URL.parse(`http://${host}`);
  return url?.hostname.startsWith('xn--') || url?.hostname.includes('.xn--') ? url.hostname : undefined;
}

/** What lies under a provider's own keys and `native:`: any data. The provider or the cloud validates it. */
export const openSchema = z.record(z.string(), z.unknown());
