import type { Session } from '../host/session.ts';
import type { Call } from '../provider/host.ts';
import type { Health } from './environment.ts';
import { probe } from './probe.ts';
import type { PublicPart } from './public-parts.ts';

/** How long one answer may take. */
export const PROBE_SECONDS = 10;

/** A request to each. @returns What did not answer as it has to. */
export async function askParts(session: Session, parts: readonly PublicPart[], call: Call): Promise<readonly string[]> {
  const options = { timeoutSeconds: PROBE_SECONDS, signal: call.signal, env: session.options.env };
  const ask = session.probe ?? probe;
  const answers = await Promise.all(parts.map((part) => ask(part.checkUrl, part, options)));
  return parts.flatMap(({ name, checkUrl }, at) => {
    const answer = answers[at];
    return answer?.ok === false ? [`${name}: ${checkUrl} ${answer.message}`] : [];
  });
}

/** What is wrong, by what the provider said and what did not answer. None: it is healthy. */
export function troublesOf({ healthy, parts }: Health, unanswered: readonly string[]): readonly string[] {
  const ill = Object.entries(parts).filter(([, part]) => !part.healthy);
  const troubles = [...ill.map(([name, { message }]) => `${name}: ${message ?? 'not healthy'}`), ...unanswered];
  return troubles.length > 0 || healthy ? troubles : ['its provider does not call it healthy'];
}
