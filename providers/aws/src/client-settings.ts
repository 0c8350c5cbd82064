import type { Host } from '@clusternator/core/provider';
import type { AwsConfig } from './config.ts';
import { credentialsOf } from './credentials.ts';

/** As in the SDK's own `AWS_ENDPOINT_URL_<service>`. @see https://docs.aws.amazon.com/sdkref/latest/guide/ss-endpoints-table.html */
type Service =
  | 'ACM'
  | 'AUTO_SCALING'
  | 'CLOUDFRONT'
  | 'CLOUDFRONT_KEYVALUESTORE'
  | 'CLOUDWATCH_LOGS'
  | 'CODEBUILD'
  | 'EC2'
  | 'ECR'
  | 'ECS'
  | 'EFS'
  | 'ELASTIC_LOAD_BALANCING_V2'
  | 'IAM'
  | 'RDS'
  | 'ROUTE_53'
  | 'S3'
  | 'SECRETS_MANAGER'
  | 'SERVICEDISCOVERY'
  | 'SSM'
  | 'STS';

interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** What every client of the SDK is made with. */
export interface ClientSettings {
  readonly region?: string;
  readonly profile?: string;
  readonly endpoint?: string;
  readonly credentials: Keys | ReturnType<typeof credentialsOf>;
  /** Core makes the retries, since it knows which of them are safe. */
  readonly maxAttempts: 1;
}

/**
 * Of the variables that AWS's own tools read, those that `Host.env` may set otherwise than this process. Where they name no keys, the SDK
 * looks in its usual order: profile, SSO, web identity, container and instance roles.
 * @see https://docs.aws.amazon.com/sdkref/latest/guide/environment-variables.html
 */
export function clientSettings({ region, profile }: AwsConfig, host: Host, service: Service): ClientSettings {
  const { env } = host;
  const inRegion = region ?? env.AWS_REGION ?? env.AWS_DEFAULT_REGION;
  const asProfile = profile ?? env.AWS_PROFILE;
  const endpoint = env[`AWS_ENDPOINT_URL_${service}`] ?? env.AWS_ENDPOINT_URL;
  return {
    maxAttempts: 1,
    ...(inRegion !== undefined && { region: inRegion }),
    ...(asProfile !== undefined && { profile: asProfile }),
    ...(endpoint !== undefined && { endpoint }),
    // A profile that the config names wins over keys that happen to be in the environment.
    credentials: (profile === undefined ? keysIn(env) : undefined) ?? credentialsOf(host, asProfile),
  };
}

/** Of S3. A bucket's name is no part of the host where that is told. */
export function s3Settings(config: AwsConfig, host: Host) {
  const settings = clientSettings(config, host, 'S3');
  return { ...settings, forcePathStyle: settings.endpoint !== undefined };
}

function keysIn(env: Host['env']): Keys | undefined {
  const {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken,
  } = env;
  if (accessKeyId === undefined || secretAccessKey === undefined) return undefined;
  return { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) };
}
