import type { Host } from '@clusternator/core/provider';
import type { AwsConfig } from './config.ts';

type Service = 'ROUTE_53' | 'S3';

/** What every client of the SDK is made with. */
export interface ClientSettings {
  readonly region?: string;
  readonly profile?: string;
  readonly endpoint?: string;
  readonly credentials?: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  };
  /** Core makes the retries, since it knows which of them are safe. */
  readonly maxAttempts: 1;
}

/**
 * Of the variables that AWS's own tools read, those that `Host.env` may set otherwise than this process. Where they name no keys, the SDK
 * looks in its usual order: profile, SSO, web identity, container and instance roles.
 * @see https://docs.aws.amazon.com/sdkref/latest/guide/environment-variables.html
 */
export function clientSettings({ region, profile }: AwsConfig, { env }: Host, service: Service): ClientSettings {
  const inRegion = region ?? env.AWS_REGION ?? env.AWS_DEFAULT_REGION;
  const asProfile = profile ?? env.AWS_PROFILE;
  const endpoint = env[`AWS_ENDPOINT_URL_${service}`] ?? env.AWS_ENDPOINT_URL;
  const {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken,
  } = env;
  return {
    maxAttempts: 1,
    ...(inRegion !== undefined && { region: inRegion }),
    ...(asProfile !== undefined && { profile: asProfile }),
    ...(endpoint !== undefined && { endpoint }),
    // A profile that the config names wins over keys that happen to be in the environment.
    ...(profile === undefined &&
      accessKeyId !== undefined &&
      secretAccessKey !== undefined && {
        credentials: { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) },
      }),
  };
}
