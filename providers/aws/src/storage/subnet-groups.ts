import {
  CreateDBSubnetGroupCommand,
  DeleteDBSubnetGroupCommand,
  DescribeDBSubnetGroupsCommand,
  ListTagsForResourceCommand,
  type DBSubnetGroup,
  type RDSClient,
} from '@aws-sdk/client-rds';
import type { Call, Host, Identity, VolumeSpec } from '@clusternator/core/provider';
import type { AwsFoundation } from '../foundation/outputs.ts';
import { isNamed, unlessAbsent } from './aws-error.ts';
import { fromAwsTags, SIZE_TAG, toAwsTags, type AwsTag } from './aws-tags.ts';
import { ours } from './ownership.ts';
import { paced } from '../paced.ts';

/** A group, and whose it is. */
export interface OwnedGroup {
  readonly identity: Identity;
  readonly sizeGiB: number;
}

/** In which subnets a database is. Each has a group of its own, of its name: it comes before the database and goes after it. */
export class SubnetGroups {
  constructor(
    private readonly client: RDSClient,
    private readonly host: Host,
    private readonly foundation: AwsFoundation,
  ) {}

  /** @throws ProviderError `owned-by-other`. */
  async find(name: string, id: string, call: Call): Promise<OwnedGroup | undefined> {
    const group = await this.describe(name, call);
    if (!group) return undefined;
    const tags = await this.tagsOf(group, call);
    const what = `the DB subnet group ${name}`;
    return { identity: ours(this.host, { type: 'volume', id, what, tags }), sizeGiB: sizeOf(tags) };
  }

  async ensure(name: string, spec: VolumeSpec, call: Call): Promise<void> {
    if (await this.find(name, spec.id, call)) return;
    const command = new CreateDBSubnetGroupCommand({
      DBSubnetGroupName: name,
      DBSubnetGroupDescription: `Where the volume ${spec.id} is`,
      SubnetIds: [...this.foundation.subnets.db],
      Tags: toAwsTags({ ...spec.tags, [SIZE_TAG]: String(spec.sizeGiB) }),
    });
    try {
      await paced(this.host, 'rds', call, (options) => this.client.send(command, options));
    } catch (error) {
      // It was made meanwhile: whose is it?
      if (!isNamed(error, ['DBSubnetGroupAlreadyExists']) || !(await this.find(name, spec.id, call))) throw error;
    }
  }

  async destroy(name: string, id: string, call: Call): Promise<void> {
    if (!(await this.find(name, id, call))) return;
    const command = new DeleteDBSubnetGroupCommand({ DBSubnetGroupName: name });
    await unlessAbsent(
      paced(this.host, 'rds', call, (options) => this.client.send(command, options)),
      ['DBSubnetGroupNotFound'],
    );
  }

  /** Those of ours whose database is not among `names`: it is not there yet, or no more. */
  async *without(names: ReadonlySet<string>, call: Call): AsyncGenerator<OwnedGroup & { readonly name: string }> {
    for (let Marker: string | undefined; ;) {
      const command = new DescribeDBSubnetGroupsCommand({ ...(Marker !== undefined && { Marker }) });
      const page = await paced(this.host, 'rds', call, (options) => this.client.send(command, options));
      for (const group of page.DBSubnetGroups ?? []) {
        const { DBSubnetGroupName: name = '', VpcId } = group;
        if (names.has(name) || VpcId !== this.foundation.vpc) continue;
        const tags = await this.tagsOf(group, call);
        const identity = this.host.identify(fromAwsTags(tags));
        if (identity?.type === 'volume') yield { name, identity, sizeGiB: sizeOf(tags) };
      }
      if (page.Marker === undefined || page.Marker === '') return;
      ({ Marker } = page);
    }
  }

  private async describe(DBSubnetGroupName: string, call: Call): Promise<DBSubnetGroup | undefined> {
    const command = new DescribeDBSubnetGroupsCommand({ DBSubnetGroupName });
    const asked = paced(this.host, 'rds', call, (options) => this.client.send(command, options));
    return (await unlessAbsent(asked, ['DBSubnetGroupNotFound']))?.DBSubnetGroups?.[0];
  }

  private async tagsOf({ DBSubnetGroupArn }: DBSubnetGroup, call: Call): Promise<readonly AwsTag[]> {
    const command = new ListTagsForResourceCommand({ ResourceName: DBSubnetGroupArn });
    // It may go between the two calls.
    const asked = paced(this.host, 'rds', call, (options) => this.client.send(command, options));
    return (await unlessAbsent(asked, ['DBSubnetGroupNotFound']))?.TagList ?? [];
  }
}

function sizeOf(tags: readonly AwsTag[]): number {
  return Number(fromAwsTags(tags)[SIZE_TAG] ?? 0);
}
