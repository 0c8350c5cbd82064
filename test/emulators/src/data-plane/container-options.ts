import type { ContainerDefinition, ContainerOverride } from '@aws-sdk/client-ecs';
import type { ContainerCreateOptions } from 'dockerode';

const MEBIBYTE = 1024 * 1024;
const NANOSECONDS = 1e9;

/** What a container is started with besides its definition. */
interface Given {
  readonly secrets: Readonly<Record<string, string>>;
  readonly volumes: readonly string[];
  /** By how much pauses are shorter than on AWS. */
  readonly speed: number;
  readonly override: ContainerOverride | undefined;
}

/** A container definition, in the engine's words. @see https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html */
export function optionsOf(definition: ContainerDefinition, given: Given): ContainerCreateOptions {
  const { environment = [], entryPoint, workingDirectory, user, linuxParameters, ulimits = [] } = definition;
  const overridden = given.override?.environment ?? [];
  const command = given.override?.command ?? definition.command;
  const values = Object.fromEntries([...environment, ...overridden].map(({ name = '', value = '' }) => [name, value]));
  const healthCheck = healthCheckOf(definition, given.speed);
  return {
    Env: Object.entries({ ...values, ...given.secrets }).map(([name, value]) => `${name}=${value}`),
    ...(command && command.length > 0 ? { Cmd: command } : {}),
    ...(entryPoint && entryPoint.length > 0 ? { Entrypoint: entryPoint } : {}),
    ...(workingDirectory ? { WorkingDir: workingDirectory } : {}),
    ...(user ? { User: user } : {}),
    ...(healthCheck ? { Healthcheck: healthCheck } : {}),
    HostConfig: {
      Binds: [...given.volumes],
      Init: linuxParameters?.initProcessEnabled ?? false,
      ReadonlyRootfs: definition.readonlyRootFilesystem ?? false,
      Ulimits: ulimits.map(({ name, softLimit, hardLimit }) => ({ Name: name, Soft: softLimit, Hard: hardLimit })),
      ...(definition.memory ? { Memory: definition.memory * MEBIBYTE } : {}),
    },
  };
}

/** Pauses are shortened; what a program may take is not. */
function healthCheckOf({ healthCheck }: ContainerDefinition, speed: number): ContainerCreateOptions['Healthcheck'] {
  if (!healthCheck?.command) return undefined;
  const { command, interval = 30, timeout = 5, retries = 3, startPeriod = 0 } = healthCheck;
  const shortened = (seconds: number) => Math.round((seconds / speed) * NANOSECONDS);
  return {
    Test: command,
    Interval: Math.max(shortened(interval), NANOSECONDS / 4),
    Timeout: timeout * NANOSECONDS,
    Retries: retries,
    StartPeriod: shortened(startPeriod),
  };
}
