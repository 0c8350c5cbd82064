import {
  AssociateRouteTableCommand,
  CreateRouteCommand,
  CreateRouteTableCommand,
  CreateVpcEndpointCommand,
  DeleteRouteCommand,
  DeleteRouteTableCommand,
  DeleteVpcEndpointsCommand,
  DescribeRouteTablesCommand,
  DisassociateRouteTableCommand,
  ModifyVpcEndpointCommand,
  ReplaceRouteCommand,
  ReplaceRouteTableAssociationCommand,
} from '@aws-sdk/client-ec2';
import { isNamed } from '../../storage/aws-error.ts';
import type { Found, Part } from '../part.ts';
import { zonesOf, zonesWithNat, type Shape, type Tier } from '../shape.ts';
import type { Site } from '../site.ts';
import { nameOfSubnet, TIERS } from './subnets.ts';

const ANYWHERE = '0.0.0.0/0';
const PUBLIC = 'public routes';
const DB = 'db routes';

/** Where the subnets of each tier lead: public ones to the internet, those of the app to a NAT gateway, those of databases nowhere. */
export function routes(shape: Pick<Shape, 'zones' | 'nat'>): readonly Part[] {
  const withNat = zonesWithNat(shape);
  const appTables = withNat.length === 0 ? [1] : withNat;
  const tableOf = (tier: Tier, zone: number): string =>
    tier === 'app' ? appRoutes(appTables.includes(zone) ? zone : 1) : tier === 'public' ? PUBLIC : DB;
  return [
    table(PUBLIC),
    table(DB),
    ...appTables.map((zone) => table(appRoutes(zone))),
    route(PUBLIC, 'internet gateway', 'way to the internet'),
    ...withNat.map((zone) => route(appRoutes(zone), `nat gateway ${String(zone)}`)),
    ...TIERS.flatMap((tier) =>
      zonesOf(shape).map((zone) => association(nameOfSubnet(tier, zone), tableOf(tier, zone))),
    ),
    endpoint([PUBLIC, ...appTables.map(appRoutes)]),
  ];
}

function appRoutes(zone: number): string {
  return `app routes ${String(zone)}`;
}

function table(name: string): Part {
  return {
    name,
    after: ['vpc'],
    async find(at) {
      const found = (await at.ec2.routeTables()).get(name);
      return found && { id: found.RouteTableId ?? '', phase: 'active' };
    },
    async make(at) {
      const command = new CreateRouteTableCommand({
        VpcId: await at.idOf('vpc'),
        ClientToken: at.call.token(name),
        TagSpecifications: at.ec2.tagged('route-table', name),
      });
      const { RouteTable } = await at.ask('ec2', ({ ec2 }, options) => ec2.send(command, options));
      return { id: RouteTable?.RouteTableId ?? '', phase: 'active' };
    },
    async remove(at, { id: RouteTableId }) {
      await at.ask('ec2', ({ ec2 }, options) => ec2.send(new DeleteRouteTableCommand({ RouteTableId }), options));
    },
  };
}

/** The way to everywhere that is not this network. */
function route(ofTable: string, to: string, ...after: readonly string[]): Part {
  return {
    name: `way out of ${ofTable}`,
    after: [ofTable, to, ...after],
    async find(at) {
      const found = (await at.ec2.routeTables()).get(ofTable);
      const way = found?.Routes?.find(({ DestinationCidrBlock }) => DestinationCidrBlock === ANYWHERE);
      if (!found || !way) return undefined;
      const target = await at.find(to);
      const leads = way.NatGatewayId ?? way.GatewayId;
      return {
        id: found.RouteTableId ?? '',
        phase: 'active',
        differs: leads !== target?.id || way.State === 'blackhole',
      };
    },
    async make(at, found) {
      const RouteTableId = await at.idOf(ofTable);
      const id = await at.idOf(to);
      const target = to === 'internet gateway' ? { GatewayId: id } : { NatGatewayId: id };
      const input = { RouteTableId, DestinationCidrBlock: ANYWHERE, ...target };
      await at.ask('ec2', async ({ ec2 }, options) =>
        found ? ec2.send(new ReplaceRouteCommand(input), options) : ec2.send(new CreateRouteCommand(input), options),
      );
      return { id: RouteTableId, phase: 'active' };
    },
    async remove(at, { id: RouteTableId }) {
      const command = new DeleteRouteCommand({ RouteTableId, DestinationCidrBlock: ANYWHERE });
      await at.ask('ec2', ({ ec2 }, options) => ec2.send(command, options));
    },
  };
}

/** Which routes a subnet goes by. */
function association(subnet: string, ofTable: string): Part {
  return {
    name: `routes of ${subnet}`,
    after: [subnet, ofTable],
    async find(at) {
      const [its, tables] = await Promise.all([at.find(subnet), at.ec2.routeTables()]);
      if (!its) return undefined;
      for (const [name, { Associations = [] }] of tables) {
        const found = Associations.find(({ SubnetId }) => SubnetId === its.id);
        if (found) return { id: found.RouteTableAssociationId ?? '', phase: 'active', differs: name !== ofTable };
      }
      return undefined;
    },
    async make(at, found) {
      const SubnetId = await at.idOf(subnet);
      const RouteTableId = await at.idOf(ofTable);
      if (found) return replaced(at, found.id, RouteTableId);
      try {
        const command = new AssociateRouteTableCommand({ SubnetId, RouteTableId });
        const { AssociationId = '' } = await at.ask('ec2', ({ ec2 }, options) => ec2.send(command, options));
        return { id: AssociationId, phase: 'active' };
      } catch (error) {
        // Somebody has given it routes that are not ours.
        if (!isNamed(error, ['Resource.AlreadyAssociated'])) throw error;
        return replaced(at, await associationOf(at, SubnetId), RouteTableId);
      }
    },
    async remove(at, { id: AssociationId }) {
      const command = new DisassociateRouteTableCommand({ AssociationId });
      await at.ask('ec2', ({ ec2 }, options) => ec2.send(command, options));
    },
  };
}

async function replaced(at: Site, AssociationId: string, RouteTableId: string): Promise<Found> {
  const command = new ReplaceRouteTableAssociationCommand({ AssociationId, RouteTableId });
  const { NewAssociationId = '' } = await at.ask('ec2', ({ ec2 }, options) => ec2.send(command, options));
  return { id: NewAssociationId, phase: 'active' };
}

async function associationOf(at: Site, subnet: string): Promise<string> {
  const Filters = [{ Name: 'association.subnet-id', Values: [subnet] }];
  const command = new DescribeRouteTablesCommand({ Filters });
  const { RouteTables = [] } = await at.ask('ec2', ({ ec2 }, options) => ec2.send(command, options));
  const all = RouteTables.flatMap(({ Associations }) => Associations ?? []);
  return all.find(({ SubnetId }) => SubnetId === subnet)?.RouteTableAssociationId ?? '';
}

/** Images and objects come by it, past the NAT gateways, and cost nothing. @see https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-s3.html */
function endpoint(tables: readonly string[]): Part {
  const name = 's3 endpoint';
  return {
    name,
    after: tables,
    lingers: true,
    async find(at) {
      const found = (await at.ec2.endpoints()).get(name);
      if (!found) return undefined;
      const { VpcEndpointId: id = '', State = '', RouteTableIds = [] } = found;
      const isGoing = State.toLowerCase() === 'deleting';
      const wanted = await Promise.all(tables.map(async (table) => (await at.find(table))?.id));
      const lacks = wanted.some((one) => one === undefined || !RouteTableIds.includes(one));
      const surplus = [...(await at.ec2.routeTables())]
        .filter(([table]) => !tables.includes(table))
        .flatMap(([, { RouteTableId = '' }]) => (RouteTableIds.includes(RouteTableId) ? [RouteTableId] : []));
      return {
        id,
        phase: isGoing ? 'destroying' : 'active',
        differs: lacks || surplus.length > 0,
        details: { tables: RouteTableIds.join(' '), surplus: surplus.join(' ') },
      };
    },
    async make(at, found) {
      const ids = await Promise.all(tables.map((table) => at.idOf(table)));
      if (found) {
        const [has, surplus] = [words(found.details?.tables), words(found.details?.surplus)];
        const command = new ModifyVpcEndpointCommand({
          VpcEndpointId: found.id,
          AddRouteTableIds: ids.filter((id) => !has.includes(id)),
          RemoveRouteTableIds: [...surplus],
        });
        await at.ask('ec2', ({ ec2 }, options) => ec2.send(command, options));
        return { id: found.id, phase: 'active' };
      }
      const command = new CreateVpcEndpointCommand({
        VpcEndpointType: 'Gateway',
        VpcId: await at.idOf('vpc'),
        ServiceName: `com.amazonaws.${await at.region()}.s3`,
        RouteTableIds: ids,
        ClientToken: at.call.token(name),
        TagSpecifications: at.ec2.tagged('vpc-endpoint', name),
      });
      const { VpcEndpoint } = await at.ask('ec2', ({ ec2 }, options) => ec2.send(command, options));
      return { id: VpcEndpoint?.VpcEndpointId ?? '', phase: 'active' };
    },
    async remove(at, { id }) {
      const command = new DeleteVpcEndpointsCommand({ VpcEndpointIds: [id] });
      const { Unsuccessful = [] } = await at.ask('ec2', ({ ec2 }, options) => ec2.send(command, options));
      const [refused] = Unsuccessful;
      // It answers 200 for what it did not do.
      if (refused?.Error) throw Object.assign(new Error(refused.Error.Message), { name: refused.Error.Code ?? '' });
    },
  };
}

function words(text = ''): readonly string[] {
  return text.split(' ').filter((word) => word !== '');
}
