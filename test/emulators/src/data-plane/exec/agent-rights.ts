import {
  GetInstanceProfileCommand,
  GetRolePolicyCommand,
  ListRolePoliciesCommand,
  NoSuchEntityException,
  type IAMClient,
} from '@aws-sdk/client-iam';

const CHANNELS = ['CreateControlChannel', 'CreateDataChannel', 'OpenControlChannel', 'OpenDataChannel'].map(
  (one) => `ssmmessages:${one}`,
);

/** Whether a task's role lets AWS's agent speak with Systems Manager, by its inline policies. */
export async function mayOpenChannels(roleArn: string | undefined, iam: IAMClient): Promise<boolean> {
  return mayDo(CHANNELS, roleArn, iam);
}

/** Whether the role of a machine's profile lets the agent there be known to Systems Manager, and speak with it. */
export async function mayBeManaged(profileArn: string | undefined, iam: IAMClient): Promise<boolean> {
  const InstanceProfileName = nameOf(profileArn);
  if (InstanceProfileName === undefined) return false;
  const asked = iam.send(new GetInstanceProfileCommand({ InstanceProfileName }));
  const found = await unlessMissing(asked);
  return mayDo([...CHANNELS, 'ssm:UpdateInstanceInformation'], found?.InstanceProfile?.Roles?.[0]?.Arn, iam);
}

async function mayDo(actions: readonly string[], roleArn: string | undefined, iam: IAMClient): Promise<boolean> {
  const RoleName = nameOf(roleArn);
  if (RoleName === undefined) return false;
  const { PolicyNames = [] } = (await unlessMissing(iam.send(new ListRolePoliciesCommand({ RoleName })))) ?? {};
  const policies = await Promise.all(
    PolicyNames.map(async (PolicyName) => iam.send(new GetRolePolicyCommand({ RoleName, PolicyName }))),
  );
  const allowed = policies.flatMap(({ PolicyDocument = '' }) => {
    const { Statement }: { Statement: readonly { readonly Action: string | readonly string[] }[] } = JSON.parse(
      decodeURIComponent(PolicyDocument),
    );
    return Statement.flatMap(({ Action }) => Action);
  });
  return actions.every((action) => allowed.includes(action));
}

function nameOf(arn: string | undefined): string | undefined {
  return arn?.slice(arn.lastIndexOf('/') + 1);
}

async function unlessMissing<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof NoSuchEntityException) return undefined;
    throw error;
  }
}
