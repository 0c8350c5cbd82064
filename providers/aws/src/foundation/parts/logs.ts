import {
  CreateLogGroupCommand,
  DeleteLogGroupCommand,
  ListTagsForResourceCommand,
  paginateDescribeLogGroups,
  PutRetentionPolicyCommand,
  type LogGroup,
} from '@aws-sdk/client-cloudwatch-logs';
import type { Part } from '../part.ts';
import type { Site } from '../site.ts';

const group: Part = {
  name: 'log group',
  after: [],
  async find(at) {
    const found = await described(at);
    if (!found) return undefined;
    const resourceArn = found.logGroupArn ?? found.arn?.replace(/:\*$/, '');
    const command = new ListTagsForResourceCommand({ resourceArn });
    const { tags = {} } = await at.send(({ logs: client }, options) => client.send(command, options));
    at.own(
      `the log group ${at.name('logs')}`,
      Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
    );
    return { id: at.name('logs'), phase: 'active', details: { days: String(found.retentionInDays ?? '') } };
  },
  async make(at) {
    const tags = Object.fromEntries(at.tags('log group').map(({ Key, Value }) => [Key, Value]));
    const command = new CreateLogGroupCommand({ logGroupName: at.name('logs'), tags });
    await at.send(({ logs: client }, options) => client.send(command, options));
    return { id: at.name('logs'), phase: 'active' };
  },
  async remove(at, { id: logGroupName }) {
    await at.send(({ logs: client }, options) => client.send(new DeleteLogGroupCommand({ logGroupName }), options));
  },
};

/** Left alone, a group keeps its logs for ever. */
const retention: Part = {
  name: 'days of logs',
  after: ['log group'],
  within: 'log group',
  async find(at) {
    const found = await at.find('log group');
    if (!found) return undefined;
    return { id: found.id, phase: 'active', differs: found.details?.days !== String(at.shape.logDays) };
  },
  async make(at) {
    const logGroupName = await at.idOf('log group');
    const command = new PutRetentionPolicyCommand({ logGroupName, retentionInDays: at.shape.logDays });
    await at.send(({ logs: client }, options) => client.send(command, options));
    return { id: logGroupName, phase: 'active' };
  },
};

/** What services write goes there, a stream for each commit. */
export const logs: readonly Part[] = [group, retention];

async function described(at: Site): Promise<LogGroup | undefined> {
  const name = at.name('logs');
  return at.send(async ({ logs: client }, { abortSignal }) => {
    for await (const page of paginateDescribeLogGroups({ client }, { logGroupNamePrefix: name }, { abortSignal })) {
      const found = page.logGroups?.find(({ logGroupName }) => logGroupName === name);
      if (found) return found;
    }
    return undefined;
  });
}
