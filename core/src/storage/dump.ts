import { openCommand, runCommand } from '../environment/run-in.ts';
import { ProviderError } from '../provider/error.ts';
import type { Call } from '../provider/host.ts';
import type { QuiescePlan } from './plan-quiesce.ts';
import type { Taking } from './quiesced.ts';
import type { Snapshot } from './storage.ts';

/** Its messages must not get into what it writes: they go to a file, and are read when it failed. */
const APART = 'f="${TMPDIR:-/tmp}/$1.err"; shift; exec "$@" 2>"$f"';
const MESSAGES = 'f="${TMPDIR:-/tmp}/$1.err"; tail -c 2000 "$f"; rm -f "$f"';

/**
 * Keeps what a command of the service writes as a snapshot.
 * @throws ProviderError `unsupported`; `unhealthy`: the command failed, and says why. Then nothing is kept.
 */
export async function dumpOf(
  { storage, snapshots, spec, id, dump }: Taking & { readonly dump: NonNullable<QuiescePlan['dump']> },
  call: Call,
): Promise<Snapshot> {
  if (!snapshots.write || !storage.can('storage.dumps')) {
    throw new ProviderError('unsupported', `provider "${storage.bound.provider.id}" keeps no dumps`, {
      path: 'provider',
    });
  }
  const there = await snapshots.read({ id: spec.id }, call);
  if (there?.phase === 'active') return there; // its answer was lost
  return snapshots.write(spec, output(dump, id, call), call);
}

async function* output(
  { host, service, command }: NonNullable<QuiescePlan['dump']>,
  id: string,
  call: Call,
): AsyncGenerator<Uint8Array> {
  const { driver, environment } = host;
  const place = { driver, environment, service };
  const session = await openCommand(
    { ...place, command: ['sh', '-c', APART, 'sh', `clusternator-${id}`, ...command] },
    call,
  );
  await session.end();
  let done = 0;
  for await (const bytes of session.output) {
    done += bytes.length;
    call.progress({ message: `dump ${id}`, done, unit: 'bytes' });
    yield bytes;
  }
  const code = await session.exitCode;
  const messages = await runCommand({ ...place, command: ['sh', '-c', MESSAGES, 'sh', `clusternator-${id}`] }, call);
  if (code === 0) return;
  throw new ProviderError('unhealthy', `the dump of ${service} ended with ${String(code)}: ${messages.said}`, {
    effect: 'none',
  });
}
