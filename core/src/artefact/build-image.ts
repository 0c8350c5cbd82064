import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { stripVTControlCharacters } from 'node:util';
import { ProviderError } from '../provider/error.ts';
import { cancelled } from '../source/git.ts';
import type { Variables } from '../source/git.ts';
import { packContext } from './build-context.ts';
import type { BuildContext } from './build-context.ts';
import { dockerError } from './docker-engine.ts';
import type { DockerEngine } from './docker-engine.ts';
import { EngineFailure, followMessages } from './engine-stream.ts';
import { LastLines, Lines } from './lines.ts';
import { headerOf, loginFor, registryOf } from './registry-login.ts';

/** An image to build. */
export interface ImageBuild {
  /** Of the service. */
  readonly name: string;
  /** The checked out commit. `context` is in it, `dockerfile` in the context. */
  readonly tree: string;
  readonly context: string;
  readonly dockerfile: string;
  readonly tag: string;
  readonly labels: Readonly<Record<string, string>>;
  /** As in `linux/amd64`; left out, the engine's own. */
  readonly platform?: string;
  readonly signal: AbortSignal;
  readonly onOutput: (line: string) => void;
  /** Steps of the Dockerfile, where the builder counts them. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Builds an image. @returns Its id. @throws ProviderError `unhealthy` (the build failed: with its last lines), `invalid` (the context),
 *  `unavailable`, `quota`, `cancelled`. An abort ends the build on the engine, too. */
export async function buildOnEngine(engine: DockerEngine, build: ImageBuild, env: Variables): Promise<string> {
  const what = `service ${build.name}`;
  const path = `services.${build.name}.build`;
  const { tree, context, dockerfile, signal } = build;
  if (signal.aborted) throw cancelled(signal, `build ${what}`);
  const packed = await packContext({ tree, context, dockerfile, what, path });
  const last = new LastLines();
  try {
    return await run(engine, build, packed, env, (line) => {
      last.add(line);
      build.onOutput(line);
    });
  } catch (error) {
    if (build.signal.aborted) throw cancelled(signal, `build ${what}`);
    if (!(error instanceof EngineFailure) || error.message.includes('no space left on device'))
      throw dockerError(error, `build ${what}`);
    throw new ProviderError('unhealthy', `the build of ${what} failed: ${error.message}${last.toString()}`, {
      path,
      cause: error,
    });
  } finally {
    packed.archive.destroy();
  }
}

async function run(
  engine: DockerEngine,
  build: ImageBuild,
  context: BuildContext,
  env: Variables,
  onLine: (line: string) => void,
): Promise<string> {
  const stream = await send(engine, build, context, await loginsFor(context, env));
  const lines = new Lines((line) => {
    onLine(stripVTControlCharacters(line));
  });
  let id: string | undefined;
  await followMessages(stream, {
    message({ stream: text = '', status, aux, progressDetail }) {
      id = aux?.ID ?? id;
      const [, done, total] = /^Step (\d+)\/(\d+) :/.exec(text) ?? [];
      if (done !== undefined && total !== undefined) build.onProgress?.(Number(done), Number(total));
      if (status !== undefined && !progressDetail?.total) lines.write(Buffer.from(`${status}\n`));
    },
    output(bytes) {
      lines.write(bytes);
    },
  });
  lines.end();
  if (id !== undefined) return id;
  throw new ProviderError('unavailable', `the Docker Engine stopped while it built service ${build.name}`, {
    retry: 'safe',
  });
}

type Logins = Record<string, { username: string; password: string }>;

/** @see https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Image/operation/ImageBuild */
function send(
  { client, builder }: DockerEngine,
  build: ImageBuild,
  context: BuildContext,
  logins: Logins,
): Promise<IncomingMessage> {
  return client.send({
    method: 'POST',
    path: '/build',
    query: {
      t: build.tag,
      dockerfile: context.dockerfile,
      labels: JSON.stringify(build.labels),
      rm: '1',
      forcerm: '1',
      version: builder === 'buildkit' ? '2' : '1',
      platform: build.platform,
    },
    headers: { 'Content-Type': 'application/x-tar', 'X-Registry-Config': headerOf(logins) },
    body: context.archive,
    signal: build.signal,
  });
}

/** Base images may be private. BuildKit asks for logins in another way: there such an image has to be pulled before. */
async function loginsFor({ dockerfilePath }: BuildContext, env: Variables): Promise<Logins> {
  const bases = (await readFile(dockerfilePath, 'utf8')).matchAll(/^\s*FROM\s+(?:--\S+\s+)*(\S+)/gim);
  const registries = new Set(
    [...bases].flatMap(([, image]) => (image === undefined || image === 'scratch' ? [] : [registryOf(image)])),
  );
  const logins: Logins = {};
  for (const registry of registries) {
    const login = await loginFor(registry, env);
    if (login) logins[registry] = { username: login.username, password: login.password };
  }
  return logins;
}
