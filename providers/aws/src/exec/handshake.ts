import { z } from 'zod';

/** The agent's wishes, before a session. @see https://github.com/aws/session-manager-plugin/blob/mainline/src/message/handshakemessage.go */
const requestSchema = z.object({
  RequestedClientActions: z.array(z.object({ ActionType: z.string(), ActionParameters: z.unknown() })).nullish(),
});
const sessionTypeSchema = z.object({ SessionType: z.string() });

/** Of AWS's own client, by which agents tell what a client can. */
export const CLIENT_VERSION = '1.2.707.0';
const SUCCESS = 1;
const FAILED = 2;
/** Those of a terminal. Both ECS Exec and interactive commands ask for the first, if for any. */
const KNOWN_TYPES = ['InteractiveCommands', 'Standard_Stream'];

interface Processed {
  readonly ActionType: string;
  readonly ActionStatus: number;
  readonly ActionResult: null;
  readonly Error: string;
}

/** @returns The answer, and why there will be no session if there will be none. */
export function answerHandshake(payload: Buffer): { readonly answer: Buffer; readonly refusal?: string } {
  const { RequestedClientActions } = requestSchema.parse(JSON.parse(payload.toString()));
  const ProcessedClientActions = (RequestedClientActions ?? []).map(({ ActionType, ActionParameters }): Processed => {
    const error = refusalOf(ActionType, ActionParameters);
    return { ActionType, ActionStatus: error === '' ? SUCCESS : FAILED, ActionResult: null, Error: error };
  });
  const Errors = ProcessedClientActions.flatMap((one) => (one.Error === '' ? [] : [one.Error]));
  const answer = Buffer.from(JSON.stringify({ ClientVersion: CLIENT_VERSION, ProcessedClientActions, Errors }));
  return { answer, ...(Errors[0] !== undefined && { refusal: Errors[0] }) };
}

function refusalOf(type: string, parameters: unknown): string {
  if (type === 'KMSEncryption') return 'sessions there are to be encrypted by a key of KMS, which is not supported';
  if (type !== 'SessionType') return `the agent asks for ${type}`;
  const asked = sessionTypeSchema.safeParse(parameters).data?.SessionType ?? 'none';
  return KNOWN_TYPES.includes(asked) ? '' : `the agent asks for a session of the type ${asked}`;
}
