import {
  GetRolePolicyCommand,
  ListRolePoliciesCommand,
  NoSuchEntityException,
  type IAMClient,
} from '@aws-sdk/client-iam';

const CHANNELS = ['CreateControlChannel', 'CreateDataChannel', 'OpenControlChannel', 'OpenDataChannel'];

/** Whether a task's role lets AWS's agent speak with Systems Manager, by its inline policies. */
export async function mayOpenChannels(roleArn: string | undefined, iam: IAMClient): Promise<boolean> {
  const RoleName = roleArn?.slice(roleArn.lastIndexOf('/') + 1);
  if (RoleName === undefined) return false;
  const policies = await Promise.all(
    (await policiesOf(RoleName, iam)).map(async (PolicyName) =>
      iam.send(new GetRolePolicyCommand({ RoleName, PolicyName })),
    ),
  );
  const allowed = policies.flatMap(({ PolicyDocument = '' }) => {
    const { Statement }: { Statement: readonly { readonly Action: string | readonly string[] }[] } = JSON.parse(
      decodeURIComponent(PolicyDocument),
    );
    return Statement.flatMap(({ Action }) => Action);
  });
  return CHANNELS.every((action) => allowed.includes(`ssmmessages:${action}`));
}

async function policiesOf(RoleName: string, iam: IAMClient): Promise<readonly string[]> {
  try {
    const { PolicyNames = [] } = await iam.send(new ListRolePoliciesCommand({ RoleName }));
    return PolicyNames;
  } catch (error) {
    if (error instanceof NoSuchEntityException) return [];
    throw error;
  }
}
