import type { ECRClient } from '@aws-sdk/client-ecr';
import type { Connection } from '@clusternator/core/provider';
import { clientSettings, s3Settings } from '../client-settings.ts';
import type { AwsConfig } from '../config.ts';
import type { AwsFoundation } from '../foundation/outputs.ts';
import { Sources } from '../sources/sources.ts';
import { quiet } from '../sources/quiet.ts';
import { CodeBuilds } from './code-builds.ts';

/** Builds on CodeBuild. Loads its SDKs. */
export async function openBuilds(
  { config, host, foundation }: Connection<AwsConfig, AwsFoundation>,
  ecr: ECRClient,
): Promise<CodeBuilds> {
  const [{ CloudWatchLogsClient }, { CodeBuildClient }, { S3Client }] = await Promise.all([
    import('@aws-sdk/client-cloudwatch-logs'),
    import('@aws-sdk/client-codebuild'),
    import('@aws-sdk/client-s3'),
  ]);
  const clients = {
    codeBuild: new CodeBuildClient(clientSettings(config, host, 'CODEBUILD')),
    logs: new CloudWatchLogsClient(clientSettings(config, host, 'CLOUDWATCH_LOGS')),
    s3: new S3Client({ ...s3Settings(config, host), logger: quiet(host) }),
  };
  host.onClose(() => {
    for (const client of Object.values(clients)) client.destroy();
  });
  const { codeBuild, logs, s3 } = clients;
  const { buildProjectName, makeBuildProject } = await import('../foundation/build-ground.ts');
  return new CodeBuilds({
    ...{ codeBuild, logs, ecr, host, foundation },
    sources: new Sources(s3, host, foundation),
    project: buildProjectName(host),
    makeProject: (call) => makeBuildProject(config, host, call),
  });
}
