import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { z } from 'zod';
import type { Variables } from '../source/git.ts';
import { configFolder } from './engine-address.ts';
import { jsonOf } from './json-file.ts';

/** Who pulls from a registry. Used at once and never kept. */
export interface RegistryLogin {
  readonly username: string;
  readonly password: string;
  readonly serveraddress: string;
}
/** Docker's own name for its hub. @see https://docs.docker.com/reference/cli/docker/login/ */
const HUB = 'https://index.docker.io/v1/';
const settingsSchema = z.object({
  auths: z.record(z.string(), z.object({ auth: z.string().optional() })).default({}),
  credHelpers: z.record(z.string(), z.string()).default({}),
  credsStore: z.string().optional(),
});
const answerSchema = z.object({ Username: z.string(), Secret: z.string() });

/** The registry of an image's name, as Docker's settings call it. */
export function registryOf(image: string): string {
  const [first = '', ...rest] = image.split('/');
  return rest.length > 0 && /[.:]|^localhost$/.test(first) ? first : HUB;
}

/** As the engine takes logins. */
export function headerOf(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64').replaceAll('+', '-').replaceAll('/', '_');
}

/** What `docker login` has kept for a registry. */
export async function loginFor(registry: string, env: Variables): Promise<RegistryLogin | undefined> {
  const settings = settingsSchema.safeParse(await jsonOf(join(configFolder(env), 'config.json'))).data;
  if (!settings) return undefined;
  const helper = settings.credHelpers[registry] ?? settings.credsStore;
  if (helper !== undefined && /^[\w-]+$/.test(helper)) return askHelper(`docker-credential-${helper}`, registry, env);
  const auth = settings.auths[registry]?.auth;
  if (auth === undefined) return undefined;
  const [username = '', ...password] = Buffer.from(auth, 'base64').toString().split(':');
  return { username, password: password.join(':'), serveraddress: registry };
}

/** @see https://github.com/docker/docker-credential-helpers (get: the registry to its input, JSON from its output) */
async function askHelper(program: string, registry: string, env: Variables): Promise<RegistryLogin | undefined> {
  const helper = spawn(program, ['get'], { env: { ...env }, stdio: ['pipe', 'pipe', 'ignore'] });
  const chunks: Buffer[] = [];
  helper.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  helper.stdin.on('error', () => undefined); // Its exit says why.
  helper.stdin.end(registry);
  const worked = await once(helper, 'close').then(
    ([code]) => code === 0,
    () => false,
  );
  if (!worked) return undefined; // It knows of no login, or is not installed; the registry may be public.
  const answer = answerSchema.safeParse(parsed(Buffer.concat(chunks).toString())).data;
  return answer && { username: answer.Username, password: answer.Secret, serveraddress: registry };
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
