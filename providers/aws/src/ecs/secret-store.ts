import {
  CreateSecretCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  paginateListSecrets,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import type { Call, Host, Secret, Tags } from '@clusternator/core/provider';
import { allSettled } from '../all-settled.ts';
import { isNamed, unlessAbsent } from '../storage/aws-error.ts';
import { toAwsTags, type AwsTag } from '../storage/aws-tags.ts';

/** A secret that is kept for a service, and whose it is. */
export interface KeptSecret {
  readonly arn: string;
  readonly name: string;
  readonly tags: readonly AwsTag[];
}

/** Values that have no reference of their own: one secret a service, by variable. */
export class SecretStore {
  constructor(
    private readonly client: SecretsManagerClient,
    private readonly host: Host,
  ) {}

  /** @returns What is there under the name: made by an earlier call, it is kept as it is. */
  async create(name: string, values: Readonly<Record<string, Secret>>, tags: Tags, call: Call): Promise<KeptSecret> {
    const revealed = await Promise.all(
      Object.entries(values).map(
        async ([variable, secret]) => [variable, await this.host.reveal(secret, call)] as const,
      ),
    );
    const request = {
      Name: name,
      ClientRequestToken: call.token(`secret ${name}`),
      SecretString: JSON.stringify(Object.fromEntries(revealed)),
      Tags: toAwsTags(tags),
    };
    const options = { abortSignal: call.signal };
    try {
      const { ARN = '' } = await this.client.send(new CreateSecretCommand(request), options);
      return { arn: ARN, name, tags: request.Tags };
    } catch (error) {
      if (!isNamed(error, ['ResourceExists'])) throw error;
      const { ARN = '', Tags = [] } = await this.client.send(new DescribeSecretCommand({ SecretId: name }), options);
      return { arn: ARN, name, tags: Tags };
    }
  }

  async beginningWith(prefix: string, call: Call): Promise<readonly KeptSecret[]> {
    const input = { Filters: [{ Key: 'name' as const, Values: [prefix] }] };
    const found: KeptSecret[] = [];
    for await (const page of paginateListSecrets({ client: this.client }, input, { abortSignal: call.signal })) {
      for (const { ARN: arn = '', Name: name = '', Tags: tags = [] } of page.SecretList ?? []) {
        if (name.startsWith(prefix)) found.push({ arn, name, tags });
      }
    }
    return found;
  }

  /** At once: its name may be wanted again. */
  async remove(names: readonly string[], call: Call): Promise<void> {
    const removing = names.map((SecretId) => {
      const command = new DeleteSecretCommand({ SecretId, ForceDeleteWithoutRecovery: true });
      return unlessAbsent(this.client.send(command, { abortSignal: call.signal }), ['ResourceNotFound']);
    });
    await allSettled(removing);
  }
}
