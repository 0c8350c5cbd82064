import { isDeepStrictEqual } from 'node:util';
import {
  AddRoleToInstanceProfileCommand,
  CreateInstanceProfileCommand,
  CreateRoleCommand,
  DeleteInstanceProfileCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  GetInstanceProfileCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  PutRolePolicyCommand,
  RemoveRoleFromInstanceProfileCommand,
} from '@aws-sdk/client-iam';
import { unlessAbsent } from '../../storage/aws-error.ts';
import type { Part } from '../part.ts';
import type { Site } from '../site.ts';
import { executionPolicy, instancePolicy, taskPolicy, type Policy } from './policies.ts';

type Kind = 'execution' | 'task' | 'instance' | 'build';
const POLICY_NAME = 'clusternator';
const PROFILE = 'instance profile';

export const executionRole = role('execution', 'ecs-tasks.amazonaws.com');

/** `execution` fetches images and secrets, `task` is what workloads run as, `instance` what bare machines run as. */
export const roles: readonly Part[] = [
  executionRole,
  policy('execution', executionPolicy),
  role('task', 'ecs-tasks.amazonaws.com'),
  policy('task', taskPolicy),
  role('instance', 'ec2.amazonaws.com'),
  policy('instance', instancePolicy),
  profile(),
  roleOfProfile(),
];

function nameOf(kind: Kind): string {
  return `${kind} role`;
}

export function role(kind: Kind, service: string): Part {
  const name = nameOf(kind);
  return {
    name,
    after: [],
    async find(at) {
      const RoleName = await at.nameInRegion(kind);
      const asked = at.send(({ iam }, options) => iam.send(new GetRoleCommand({ RoleName }), options));
      const found = (await unlessAbsent(asked, ['NoSuchEntity']))?.Role;
      if (!found) return undefined;
      at.own(`the role ${RoleName}`, found.Tags);
      return { id: RoleName, phase: 'active', details: { arn: found.Arn ?? '' } };
    },
    async make(at) {
      const RoleName = await at.nameInRegion(kind);
      const Statement = [{ Effect: 'Allow', Principal: { Service: service }, Action: 'sts:AssumeRole' }];
      const AssumeRolePolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement });
      const command = new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument, Tags: at.tags(name) });
      const { Role } = await at.send(({ iam }, options) => iam.send(command, options));
      return { id: RoleName, phase: 'active', details: { arn: Role?.Arn ?? '' } };
    },
    async remove(at, { id: RoleName }) {
      await at.send(({ iam }, options) => iam.send(new DeleteRoleCommand({ RoleName }), options));
    },
  };
}

export function policy(kind: Kind, documentOf: (at: Site) => Promise<Policy>): Part {
  return {
    name: `rights of the ${nameOf(kind)}`,
    after: [nameOf(kind)],
    async find(at) {
      const found = await at.find(nameOf(kind));
      if (!found) return undefined;
      const command = new GetRolePolicyCommand({ RoleName: found.id, PolicyName: POLICY_NAME });
      const asked = at.send(({ iam }, options) => iam.send(command, options));
      const text = (await unlessAbsent(asked, ['NoSuchEntity']))?.PolicyDocument;
      if (text === undefined) return undefined;
      const is: unknown = JSON.parse(decodeURIComponent(text));
      return { id: found.id, phase: 'active', differs: !isDeepStrictEqual(is, await documentOf(at)) };
    },
    async make(at) {
      const RoleName = await at.idOf(nameOf(kind));
      const PolicyDocument = JSON.stringify(await documentOf(at));
      const command = new PutRolePolicyCommand({ RoleName, PolicyName: POLICY_NAME, PolicyDocument });
      await at.send(({ iam }, options) => iam.send(command, options));
      return { id: RoleName, phase: 'active' };
    },
    async remove(at, { id: RoleName }) {
      const command = new DeleteRolePolicyCommand({ RoleName, PolicyName: POLICY_NAME });
      await at.send(({ iam }, options) => iam.send(command, options));
    },
  };
}

/** By which a machine has its role. */
function profile(): Part {
  return {
    name: PROFILE,
    after: [],
    async find(at) {
      const InstanceProfileName = await at.nameInRegion('instance');
      const command = new GetInstanceProfileCommand({ InstanceProfileName });
      const asked = at.send(({ iam }, options) => iam.send(command, options));
      const found = (await unlessAbsent(asked, ['NoSuchEntity']))?.InstanceProfile;
      if (!found) return undefined;
      at.own(`the instance profile ${InstanceProfileName}`, found.Tags);
      const [its] = found.Roles ?? [];
      return { id: InstanceProfileName, phase: 'active', details: { arn: found.Arn ?? '', role: its?.RoleName ?? '' } };
    },
    async make(at) {
      const InstanceProfileName = await at.nameInRegion('instance');
      const command = new CreateInstanceProfileCommand({ InstanceProfileName, Tags: at.tags(PROFILE) });
      const { InstanceProfile } = await at.send(({ iam }, options) => iam.send(command, options));
      return { id: InstanceProfileName, phase: 'active', details: { arn: InstanceProfile?.Arn ?? '' } };
    },
    async remove(at, { id: InstanceProfileName }) {
      const command = new DeleteInstanceProfileCommand({ InstanceProfileName });
      await at.send(({ iam }, options) => iam.send(command, options));
    },
  };
}

function roleOfProfile(): Part {
  return {
    name: `role of the ${PROFILE}`,
    after: [PROFILE, nameOf('instance')],
    async find(at) {
      const found = await at.find(PROFILE);
      const its = found?.details?.role ?? '';
      return its === '' ? undefined : { id: its, phase: 'active' };
    },
    async make(at) {
      const RoleName = await at.idOf(nameOf('instance'));
      const InstanceProfileName = await at.idOf(PROFILE);
      const command = new AddRoleToInstanceProfileCommand({ InstanceProfileName, RoleName });
      await at.send(({ iam }, options) => iam.send(command, options));
      return { id: RoleName, phase: 'active' };
    },
    async remove(at, { id: RoleName }) {
      const InstanceProfileName = await at.idOf(PROFILE);
      const command = new RemoveRoleFromInstanceProfileCommand({ InstanceProfileName, RoleName });
      await at.send(({ iam }, options) => iam.send(command, options));
    },
  };
}
