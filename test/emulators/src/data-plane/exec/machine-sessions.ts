import type { StartSessionRequest } from '@aws-sdk/client-ssm';
import { json, refusal, type Answer, type Asked } from '../exchange.ts';
import type { Machines } from '../machines.ts';
import type { Plane } from '../plane.ts';
import { mayBeManaged } from './agent-rights.ts';
import type { ExecSessions } from './exec-sessions.ts';

/** Those of AWS's own that are played. */
const DOCUMENTS = ['AWS-StartInteractiveCommand'];
/** As whom the agent runs commands, unless it is told otherwise. */
const USER = 'ssm-user';

/**
 * Sessions of Systems Manager: each runs its command on a machine, in a shell of ssm-user, who may become root.
 * @see https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_StartSession.html
 */
export class MachineSessions {
  constructor(
    private readonly plane: Pick<Plane, 'clients' | 'engine'>,
    private readonly machines: Machines,
    private readonly sessions: ExecSessions,
  ) {}

  async before({ action, input }: Asked): Promise<Answer | undefined> {
    if (action === 'ssm.StartSession') return this.#start(input);
    if (action !== 'ssm.TerminateSession') return undefined;
    const { SessionId } = input;
    await this.sessions.terminate(String(SessionId));
    return json({ headers: {} }, { SessionId });
  }

  async #start({ Target = '', DocumentName = '', Parameters = {} }: Partial<StartSessionRequest>): Promise<Answer> {
    if (!DOCUMENTS.includes(DocumentName))
      return refusal('InvalidDocument', `Document with name ${DocumentName} does not exist.`);
    const { command: [line] = [], ...others } = Parameters;
    if (line === undefined || Object.keys(others).length > 0)
      return refusal('InvalidParameters', 'The parameters are not those of the document.');
    const machine = this.machines.all.find(({ place }) => place.id === Target);
    const isManaged =
      machine?.container !== undefined && (await mayBeManaged(machine.place.profile, this.plane.clients.iam));
    if (!isManaged) return refusal('TargetNotConnected', `${Target} is not connected.`);
    const given = this.sessions.give('user', {
      container: this.plane.engine.docker.getContainer(machine.container),
      words: ['sh', '-c', line],
      user: USER,
      hasHandshake: false,
    });
    const { sessionId: SessionId, streamUrl: StreamUrl, tokenValue: TokenValue } = given;
    return json({ headers: {} }, { SessionId, StreamUrl, TokenValue });
  }
}
