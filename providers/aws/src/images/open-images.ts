import type { Connection, ImageDriver } from '@clusternator/core/provider';
import { clientSettings } from '../client-settings.ts';
import type { AwsConfig } from '../config.ts';
import { once } from '../foundation/once.ts';
import type { AwsFoundation } from '../foundation/outputs.ts';

/** Images on ECR. Loads its SDK. */
export async function openImages({
  config,
  host,
  foundation,
}: Connection<AwsConfig, AwsFoundation>): Promise<ImageDriver> {
  // Where the foundation is, whatever AWS_REGION says by now.
  const inItsRegion = { ...config, region: foundation.region };
  const [{ ECRClient }, { EcrImages }] = await Promise.all([import('@aws-sdk/client-ecr'), import('./ecr-images.ts')]);
  const ecr = new ECRClient(clientSettings(inItsRegion, host, 'ECR'));
  host.onClose(() => {
    ecr.destroy();
  });
  // Few projects build there.
  const builds = once(async () =>
    (await import('../builds/open-builds.ts')).openBuilds({ config: inItsRegion, host, foundation }, ecr),
  );
  return new EcrImages(ecr, foundation, builds);
}
