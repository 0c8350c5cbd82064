import type { Activity } from '@aws-sdk/client-auto-scaling';
import { GetLogEventsCommand, type CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import type { Call } from '@clusternator/core/provider';
import { streamPrefix } from '../ecs/log-streams.ts';
import type { AwsFoundation } from '../foundation/outputs.ts';
import { unlessAbsent } from '../storage/aws-error.ts';

const LINES = 10;

/** What a machine said last: of the service as it ran, or why its installation failed. */
export async function lastLines(
  { logs, foundation }: { readonly logs: CloudWatchLogsClient; readonly foundation: AwsFoundation },
  { key, service, instances, activities }: Speaker,
  call: Call,
): Promise<readonly string[]> {
  const instance = machineOf(instances, activities);
  if (instance === undefined) return [];
  const command = new GetLogEventsCommand({
    logGroupName: foundation.logGroup,
    logStreamName: `${streamPrefix(key, service)}${instance}`,
    limit: LINES,
    startFromHead: false,
  });
  const asked = logs.send(command, { abortSignal: call.signal });
  const { events = [] } = (await unlessAbsent(asked, ['ResourceNotFound'])) ?? {};
  return events.map(({ message = '' }) => message);
}

/** Whose last lines are asked for. */
interface Speaker {
  readonly key: string;
  readonly service: string;
  /** The ids of those that are there. */
  readonly instances: readonly string[];
  readonly activities: readonly Pick<Activity, 'Description'>[];
}

/** The one that was given up last, as the activity names it; else one that is there. */
function machineOf(instances: Speaker['instances'], activities: Speaker['activities']): string | undefined {
  const given = activities.flatMap(
    ({ Description = '' }) => /^Terminating.*(i-[0-9a-f]+)/.exec(Description)?.[1] ?? [],
  );
  return given[0] ?? instances[0];
}
