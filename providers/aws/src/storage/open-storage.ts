import type { Connection, StorageDriver } from '@clusternator/core/provider';
import { clientSettings } from '../client-settings.ts';
import { errorOf } from '../errors.ts';
import type { StorageConfig } from './config.ts';
import type { AwsFoundation } from '../foundation/outputs.ts';
import { mustBe } from '../place.ts';

/** Files on EFS, disks on EBS, databases on RDS. Loads their SDKs. @throws ProviderError `denied`: the credentials are of another account. */
export async function openStorage({
  config,
  host,
  foundation,
}: Connection<StorageConfig, AwsFoundation>): Promise<StorageDriver> {
  // Where the foundation is, whatever AWS_REGION says by now.
  const inItsRegion = { ...config, region: foundation.region };
  const [
    { STSClient, GetCallerIdentityCommand },
    { EC2Client },
    { EFSClient },
    { RDSClient },
    { SecretsManagerClient },
  ] = await Promise.all([
    import('@aws-sdk/client-sts'),
    import('@aws-sdk/client-ec2'),
    import('@aws-sdk/client-efs'),
    import('@aws-sdk/client-rds'),
    import('@aws-sdk/client-secrets-manager'),
  ]);
  const [
    { AwsStorage },
    { FileVolumes },
    { DiskVolumes },
    { DiskSnapshots },
    { DatabaseVolumes },
    { DatabaseSnapshots },
  ] = await Promise.all([
    import('./aws-storage.ts'),
    import('./file-volumes.ts'),
    import('./disk-volumes.ts'),
    import('./disk-snapshots.ts'),
    import('./database-volumes.ts'),
    import('./database-snapshots.ts'),
  ]);
  const ec2 = new EC2Client(clientSettings(inItsRegion, host, 'EC2'));
  const efs = new EFSClient(clientSettings(inItsRegion, host, 'EFS'));
  const rds = new RDSClient(clientSettings(inItsRegion, host, 'RDS'));
  const secrets = new SecretsManagerClient(clientSettings(inItsRegion, host, 'SECRETS_MANAGER'));
  host.onClose(() => {
    for (const client of [ec2, efs, rds, secrets]) client.destroy();
  });
  // Volumes are found by their names, which say nothing of an account: in another one they would look as if they were gone.
  const sts = new STSClient(clientSettings(inItsRegion, host, 'STS'));
  const asked = sts.send(new GetCallerIdentityCommand()).finally(() => {
    sts.destroy();
  });
  const { Account = '' } = await asked.catch((cause: unknown) => {
    throw errorOf(cause) ?? cause;
  });
  mustBe('account', foundation.account, Account);
  return new AwsStorage(
    {
      files: new FileVolumes({ efs, host, foundation }),
      disk: new DiskVolumes({ ec2, host, foundation }),
      database: new DatabaseVolumes({ rds, secrets, host, config, foundation }),
    },
    { disk: new DiskSnapshots(ec2, host), database: new DatabaseSnapshots(rds, host) },
  );
}
