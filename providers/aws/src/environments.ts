import type {
  Call,
  Connection,
  Environment,
  EnvironmentDriver,
  EnvironmentSpec,
  ExecRequest,
  ExecSession,
  Health,
  Instances,
  LogLine,
  LogQuery,
  ResourceRef,
} from '@clusternator/core/provider';
import { allSettled } from './all-settled.ts';
import { isOnMachines } from './ec2/names.ts';
import { openMachines } from './ec2/open-machines.ts';
import { runsOnMachines } from './ec2/plan.ts';
import { openEnvironments } from './ecs/open-environments.ts';
import { once } from './foundation/once.ts';
import type { AwsFoundation } from './foundation/outputs.ts';
import type { ProviderConfig } from './provider-config.ts';

/** Environments in containers, and on machines. The SDKs of a kind are loaded once it is needed. */
export function openEitherKind(to: Connection<ProviderConfig, AwsFoundation>): EnvironmentDriver {
  return new EitherKind(
    once(() => openEnvironments(to)),
    once(() => openMachines(to)),
  );
}

type Opening = () => Promise<EnvironmentDriver & Required<Pick<EnvironmentDriver, 'exec'>>>;

/** The spec says which kind an environment is of, and from then on its handle. Where neither is there, both are asked. */
class EitherKind implements EnvironmentDriver {
  constructor(
    private readonly containers: Opening,
    private readonly machines: Opening,
  ) {}

  async ensure(spec: EnvironmentSpec, call: Call): Promise<Environment> {
    const open = runsOnMachines(spec) ? this.machines : this.containers;
    return (await open()).ensure(spec, call);
  }

  async read(ref: ResourceRef, call: Call): Promise<Environment | undefined> {
    const found = await Promise.all(this.of(ref).map(async (open) => (await open()).read(ref, call)));
    return found.find((one) => one !== undefined);
  }

  async *list(call: Call): AsyncGenerator<Environment> {
    yield* (await this.containers()).list(call);
    yield* (await this.machines()).list(call);
  }

  async destroy(ref: ResourceRef, call: Call): Promise<void> {
    await allSettled(this.of(ref).map(async (open) => (await open()).destroy(ref, call)));
  }

  async health(environment: Environment, call: Call): Promise<Health> {
    return (await this.one(environment)()).health(environment, call);
  }

  async *logs(environment: Environment, query: LogQuery, call: Call): AsyncGenerator<LogLine> {
    yield* (await this.one(environment)()).logs(environment, query, call);
  }

  async scale(environment: Environment, instances: Readonly<Record<string, Instances>>, call: Call): Promise<void> {
    await (await this.one(environment)()).scale?.(environment, instances, call);
  }

  async exec(environment: Environment, request: ExecRequest, call: Call): Promise<ExecSession> {
    return (await this.one(environment)()).exec(environment, request, call);
  }

  private one({ handle }: Environment): Opening {
    return isOnMachines(handle) === true ? this.machines : this.containers;
  }

  private of({ handle }: ResourceRef): readonly Opening[] {
    const isOn = isOnMachines(handle);
    if (isOn === undefined) return [this.containers, this.machines];
    return isOn ? [this.machines] : [this.containers];
  }
}
