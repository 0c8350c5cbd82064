import {
  CreateLaunchTemplateCommand,
  DeleteLaunchTemplateCommand,
  DescribeLaunchTemplatesCommand,
  paginateDescribeLaunchTemplates,
  type CreateLaunchTemplateCommandInput,
  type EC2Client,
  type LaunchTemplate,
} from '@aws-sdk/client-ec2';
import type { Call, Host } from '@clusternator/core/provider';
import { allSettled } from '../all-settled.ts';
import { paced } from '../paced.ts';
import { isNamed, unlessAbsent } from '../storage/aws-error.ts';
import { ours } from '../storage/ownership.ts';

const GONE = ['InvalidLaunchTemplateName.NotFound', 'InvalidLaunchTemplateId.NotFound'];
/** The second is the first for a caller with another token, and for one with other data. */
const THERE = ['InvalidLaunchTemplateName.AlreadyExists', 'IdempotentParameterMismatch'];

/** Of what a machine is made: one a service, of one version. */
export class LaunchTemplates {
  constructor(
    private readonly ec2: EC2Client,
    private readonly host: Host,
  ) {}

  /** @returns Its id, also of one that an interrupted call had made. @throws ProviderError `owned-by-other`. */
  async create(request: CreateLaunchTemplateCommandInput, environment: string, call: Call): Promise<string> {
    const name = request.LaunchTemplateName ?? '';
    try {
      const { LaunchTemplate } = await paced(this.host, 'ec2', call, (options) =>
        this.ec2.send(new CreateLaunchTemplateCommand(request), options),
      );
      return LaunchTemplate?.LaunchTemplateId ?? '';
    } catch (error) {
      if (!isNamed(error, THERE)) throw error;
      const found = await this.named(name, call);
      if (!found) throw error;
      ours(this.host, {
        type: 'environment',
        id: environment,
        what: `the launch template ${name}`,
        tags: found.Tags,
      });
      return found.LaunchTemplateId ?? '';
    }
  }

  async beginningWith(prefix: string, call: Call): Promise<readonly LaunchTemplate[]> {
    const found: LaunchTemplate[] = [];
    await this.host.pace('ec2', call);
    const Filters = [{ Name: 'launch-template-name', Values: [`${prefix}*`] }];
    const pages = paginateDescribeLaunchTemplates({ client: this.ec2 }, { Filters }, { abortSignal: call.signal });
    for await (const { LaunchTemplates = [] } of pages) {
      // Some implementations take the star for a letter like others, or leave the filter out of account.
      found.push(...LaunchTemplates.filter(({ LaunchTemplateName = '' }) => LaunchTemplateName.startsWith(prefix)));
    }
    return found;
  }

  async remove(names: readonly string[], call: Call): Promise<void> {
    const removing = names.map((LaunchTemplateName) =>
      unlessAbsent(
        paced(this.host, 'ec2', call, (options) =>
          this.ec2.send(new DeleteLaunchTemplateCommand({ LaunchTemplateName }), options),
        ),
        GONE,
      ),
    );
    await allSettled(removing);
  }

  private async named(name: string, call: Call): Promise<LaunchTemplate | undefined> {
    const command = new DescribeLaunchTemplatesCommand({ LaunchTemplateNames: [name] });
    const asked = paced(this.host, 'ec2', call, (options) => this.ec2.send(command, options));
    return (await unlessAbsent(asked, GONE))?.LaunchTemplates?.[0];
  }
}
