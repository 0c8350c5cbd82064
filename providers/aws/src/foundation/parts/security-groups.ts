import {
  AuthorizeSecurityGroupIngressCommand,
  CreateSecurityGroupCommand,
  DeleteSecurityGroupCommand,
  RevokeSecurityGroupEgressCommand,
  type IpPermission,
  type SecurityGroup,
} from '@aws-sdk/client-ec2';
import { ProviderError } from '@clusternator/core/provider';
import { isNamed } from '../../storage/aws-error.ts';
import type { Part } from '../part.ts';
import type { Site } from '../site.ts';

type Kind = 'load balancer' | 'app' | 'db';

const ABOUT: Readonly<Record<Kind, string>> = {
  'load balancer': 'What is reached from anywhere',
  app: 'What the load balancer and its own members reach',
  db: 'What the app reaches',
};

/** Who may reach whom: anybody the load balancer, it and the app the app, the app the databases. */
export const securityGroups: readonly Part[] = [
  group('load balancer'),
  group('app'),
  group('db'),
  openTo('load balancer', []),
  openTo('app', ['load balancer', 'app']),
  openTo('db', ['app']),
  noWayOutOf('db'),
];

function nameOf(kind: Kind): string {
  return `${kind} group`;
}

function group(kind: Kind): Part {
  const name = nameOf(kind);
  return {
    name,
    after: ['vpc'],
    async find(at) {
      const found = await ours(at, kind);
      return found && { id: found.GroupId ?? '', phase: 'active', details: { vpc: found.VpcId ?? '' } };
    },
    async make(at) {
      const command = new CreateSecurityGroupCommand({
        GroupName: at.name(kind),
        Description: ABOUT[kind],
        VpcId: await at.vpcId(),
        TagSpecifications: at.ec2.tagged('security-group', name),
      });
      try {
        const { GroupId = '' } = await at.ask('ec2', ({ ec2 }, options) => ec2.send(command, options));
        return { id: GroupId, phase: 'active' };
      } catch (error) {
        if (!isNamed(error, ['InvalidGroup.Duplicate'])) throw error;
        throw new ProviderError('owned-by-other', `the security group ${at.name(kind)} is there, and is not ours`, {
          hint: 'it is left as it is; remove or rename it, or choose another stage',
          cause: error,
        });
      }
    },
    async remove(at, { id: GroupId }) {
      await at.ask('ec2', ({ ec2 }, options) => ec2.send(new DeleteSecurityGroupCommand({ GroupId }), options));
    },
  };
}

/** @param from - None: anybody, by HTTP and HTTPS. */
function openTo(kind: Kind, from: readonly Kind[]): Part {
  return {
    name: `ways into the ${kind}`,
    after: [...new Set([kind, ...from])].map(nameOf),
    within: nameOf(kind),
    async find(at) {
      const found = await ours(at, kind);
      if (!found) return undefined;
      const lacks = (await wanted(at, from)).some((one) => !has(found.IpPermissions, one));
      return { id: found.GroupId ?? '', phase: 'active', differs: lacks };
    },
    async make(at) {
      const GroupId = await at.idOf(nameOf(kind));
      const have = (await ours(at, kind))?.IpPermissions;
      const IpPermissions = (await wanted(at, from)).filter((one) => !has(have, one));
      const command = new AuthorizeSecurityGroupIngressCommand({ GroupId, IpPermissions });
      await at.ask('ec2', ({ ec2 }, options) => ec2.send(command, options));
      return { id: GroupId, phase: 'active' };
    },
  };
}

/** A group begins with a way to anywhere. Answers need none. */
function noWayOutOf(kind: Kind): Part {
  const IpPermissions = [{ IpProtocol: '-1', IpRanges: [{ CidrIp: '0.0.0.0/0' }] }];
  return {
    name: `no way out of the ${kind}`,
    after: [nameOf(kind)],
    within: nameOf(kind),
    async find(at) {
      const found = await ours(at, kind);
      if (!found) return undefined;
      const isOpen = IpPermissions.some((one) => has(found.IpPermissionsEgress, one));
      return { id: found.GroupId ?? '', phase: 'active', differs: isOpen };
    },
    async make(at) {
      const GroupId = await at.idOf(nameOf(kind));
      const command = new RevokeSecurityGroupEgressCommand({ GroupId, IpPermissions });
      await at.ask('ec2', ({ ec2 }, options) => ec2.send(command, options));
      return { id: GroupId, phase: 'active' };
    },
  };
}

async function ours(at: Site, kind: Kind): Promise<SecurityGroup | undefined> {
  return (await at.ec2.securityGroups()).get(nameOf(kind));
}

/** Of those groups that there are: one of others is missing too. */
async function wanted(at: Site, from: readonly Kind[]): Promise<readonly IpPermission[]> {
  if (from.length === 0) {
    return [80, 443].map((port) => ({
      IpProtocol: 'tcp',
      FromPort: port,
      ToPort: port,
      IpRanges: [{ CidrIp: '0.0.0.0/0' }],
    }));
  }
  const groups = await Promise.all(from.map((kind) => at.find(nameOf(kind))));
  return groups.map((found) => ({ IpProtocol: '-1', UserIdGroupPairs: [{ GroupId: found?.id ?? '' }] }));
}

/** Whatever else somebody let in is let be. */
function has(permissions: readonly IpPermission[] | undefined, wanted: IpPermission): boolean {
  return (permissions ?? []).some(
    (one) =>
      one.IpProtocol === wanted.IpProtocol &&
      one.FromPort === wanted.FromPort &&
      one.ToPort === wanted.ToPort &&
      (wanted.IpRanges ?? []).every(({ CidrIp }) => one.IpRanges?.some((range) => range.CidrIp === CidrIp)) &&
      (wanted.UserIdGroupPairs ?? []).every(({ GroupId }) =>
        one.UserIdGroupPairs?.some((pair) => pair.GroupId === GroupId),
      ),
  );
}

/** @throws ProviderError `invalid`: what is there is in another network, and can't move. */
export async function refuseToMove(at: Site): Promise<void> {
  const [group, vpc] = await Promise.all([at.find(nameOf('load balancer')), at.find('vpc')]);
  const wanted = at.shape.existing?.vpc ?? vpc?.id ?? '';
  const is = group?.details?.vpc ?? wanted;
  if (is === wanted) return;
  throw new ProviderError(
    'invalid',
    `the foundation is in ${is}, and does not move to ${wanted || 'a network of its own'}`,
    {
      path: 'provider.network.vpc',
      hint: 'clusternator foundation destroy removes it; the next command makes one there',
    },
  );
}
