import type { AutoScalingGroup } from '@aws-sdk/client-auto-scaling';
import { StartSessionCommand, TerminateSessionCommand, type SSMClient } from '@aws-sdk/client-ssm';
import { ProviderError, type Call, type ExecRequest, type ExecSession, type Host } from '@clusternator/core/provider';
import type { TargetGroups } from '../alb/target-groups.ts';
import { SESSION_MANAGER } from '../exec/carrier.ts';
import { runCommand, whatIsRun, type Started } from '../exec/run-command.ts';
import { paced } from '../paced.ts';
import { isNamed } from '../storage/aws-error.ts';
import { DOCUMENT } from './session-document.ts';
import { ENTER } from './user-data.ts';

/** Whoever was cancelled waits no longer for it. */
const END_MILLISECONDS = 5000;

/** Runs commands on the machines of a service, by Session Manager. @see https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager.html */
export class MachineExec {
  constructor(
    private readonly ssm: SSMClient,
    private readonly host: Host,
    private readonly targets: TargetGroups,
  ) {}

  /** @throws ProviderError `conflict`: no machine passes its check. `unsupported`: it was made by an older version. */
  async run(group: AutoScalingGroup, request: ExecRequest, call: Call): Promise<ExecSession> {
    const what = whatIsRun(request);
    const machine = await this.machineOf(group, what, call);
    const start = (line: string, marker: string): Promise<Started> =>
      this.start(machine, asTheService(line, marker), what, call);
    return runCommand(request, { what, carrier: SESSION_MANAGER }, start, call);
  }

  private async start(Target: string, command: string, what: string, call: Call): Promise<Started> {
    const input = { Target, DocumentName: DOCUMENT, Parameters: { command: [command] } };
    try {
      const {
        SessionId,
        StreamUrl = '',
        TokenValue = '',
      } = await paced(this.host, 'sessions', call, (options) => this.ssm.send(new StartSessionCommand(input), options));
      return { place: { streamUrl: StreamUrl, tokenValue: TokenValue }, end: () => this.end(SessionId) };
    } catch (cause) {
      if (!isNamed(cause, ['TargetNotConnected'])) throw cause;
      throw new ProviderError(
        'unavailable',
        `could not ${what}: AWS’s agent on the machine ${Target} is not connected`,
        {
          ...{ cause, effect: 'none' },
          hint: 'the machine needs amazon-ssm-agent, the rights that clusternator foundation create gives its role, and a way to ssm and ssmmessages',
        },
      );
    }
  }

  /** Not by the call, which may be cancelled. A session that stays is ended by AWS after 20 minutes. */
  private async end(SessionId: string | undefined): Promise<void> {
    const options = { abortSignal: AbortSignal.timeout(END_MILLISECONDS) };
    await this.ssm.send(new TerminateSessionCommand({ SessionId }), options).catch(() => undefined);
  }

  private async machineOf(group: AutoScalingGroup, what: string, call: Call): Promise<string> {
    const { Instances = [], TargetGroupARNs: [arn] = [] } = group;
    const inService = Instances.filter(({ LifecycleState }) => LifecycleState === 'InService');
    const targets = arn === undefined || inService.length === 0 ? [] : await this.targets.health(arn, call);
    const healthy = new Set(
      targets?.flatMap(({ Target, TargetHealth }) => (TargetHealth?.State === 'healthy' ? Target?.Id : [])),
    );
    const found = inService.find(({ InstanceId }) => healthy.has(InstanceId))?.InstanceId;
    if (found !== undefined) return found;
    throw new ProviderError('conflict', `could not ${what}: no machine of it passes its check`, {
      hint: 'clusternator env show tells of its machines, and env logs what they said',
    });
  }
}

/** Behind what a machine has for it. Only root may enter the service, whoever sessions are configured to be. */
function asTheService(line: string, marker: string): string {
  const missing = (program: string): string => `{ printf "%s!%s;" ${marker} ${program};exit;}`;
  const sudo = `s=;[ "$(id -u)" = 0 ]||s="sudo -n";[ -z "$s" ]||command -v sudo >/dev/null||${missing('sudo')}`;
  return `[ -x ${ENTER} ]||${missing(ENTER)};${sudo};exec $s ${ENTER} ${line}`;
}
