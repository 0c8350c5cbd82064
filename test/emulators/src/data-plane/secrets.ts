import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { GetParameterCommand, type SSMClient } from '@aws-sdk/client-ssm';
import type { Clients } from './clients.ts';

/**
 * What a container definition's `valueFrom` refers to.
 * @param from - The ARN of a secret, with `:<JSON key>:<version stage>:<version id>` behind it or without; else a parameter's name or ARN.
 * @see https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Secret.html
 */
export async function valueOf(from: string, { secrets, parameters }: Clients): Promise<string> {
  const secret = /^(arn:[^:]+:secretsmanager:[^:]*:\d*:secret:[^:]+)(?::([^:]*):([^:]*):([^:]*))?$/.exec(from);
  if (!secret) return parameterOf(from, parameters);
  const [, SecretId, key, VersionStage, VersionId] = secret;
  const found = await secrets.send(
    new GetSecretValueCommand({
      SecretId,
      ...(VersionStage ? { VersionStage } : {}),
      ...(VersionId ? { VersionId } : {}),
    }),
  );
  const text = found.SecretString ?? Buffer.from(found.SecretBinary ?? []).toString();
  if (!key) return text;
  const value: string | number | boolean | undefined = JSON.parse(text)[key];
  if (value === undefined) throw new Error(`the secret ${String(SecretId)} has no key ${key}`);
  return String(value);
}

/** An ARN says `parameter/name` of the parameter `name` as well as of `/name`. */
async function parameterOf(from: string, parameters: SSMClient): Promise<string> {
  const name = /^arn:[^:]+:ssm:[^:]*:\d*:parameter\/(.*)$/.exec(from)?.[1];
  const ask = async (Name: string) =>
    (await parameters.send(new GetParameterCommand({ Name, WithDecryption: true }))).Parameter?.Value ?? '';
  return name === undefined ? ask(from) : ask(`/${name}`).catch(async () => ask(name));
}
