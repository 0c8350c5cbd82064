/**
 * AWS's own. The agent hands its command to `sh -c` in a terminal, as ssm-user. The one for commands that are not interactive has no input.
 * @see https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-working-with-sessions-start.html#sessions-start-interactive-commands
 * @see https://github.com/aws/amazon-ssm-agent/blob/mainline/agent/session/shell/shell_unix.go (StartCommandExecutor)
 */
export const DOCUMENT = 'AWS-StartInteractiveCommand';
