import {
  DescribeSecretCommand,
  RotateSecretCommand,
  TagResourceCommand,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import type { Call, Tags } from '@clusternator/core/provider';
import { fromAwsTags, toAwsTags } from './aws-tags.ts';

/** @see https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-secrets-manager.html */
const DAYS_OF_RDS = 7;
/** @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotationRulesType.html */
const MOST_DAYS = 1000;

/**
 * Makes the secret that RDS keeps one that a task can use. It gets the volume's tags, by which the execution role may read it. And RDS
 * gives it another value each week, while a task knows the one of its start and could open no connection from then on: so the rotation is
 * put off as far as it goes. One that somebody has set is left.
 */
export async function adoptSecret(
  client: SecretsManagerClient,
  SecretId: string,
  tags: Tags,
  call: Call,
): Promise<void> {
  const options = { abortSignal: call.signal };
  const { RotationRules, Tags } = await client.send(new DescribeSecretCommand({ SecretId }), options);
  const have = fromAwsTags(Tags);
  if (Object.entries(tags).some(([key, value]) => have[key] !== value)) {
    await client.send(new TagResourceCommand({ SecretId, Tags: toAwsTags(tags) }), options);
  }
  const { AutomaticallyAfterDays = DAYS_OF_RDS, ScheduleExpression } = RotationRules ?? {};
  if (AutomaticallyAfterDays !== DAYS_OF_RDS || ScheduleExpression !== undefined) return;
  const rules = { AutomaticallyAfterDays: MOST_DAYS };
  await client.send(new RotateSecretCommand({ SecretId, RotationRules: rules, RotateImmediately: false }), options);
}
