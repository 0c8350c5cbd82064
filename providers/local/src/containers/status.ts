import { constants } from 'node:os';
import type { ContainerInspectInfo } from 'dockerode';
import type { InstanceStatus } from './instance.ts';
import { instanceOf, tagsOf } from './labels.ts';

export function absent(name: string): InstanceStatus {
  return { name, state: 'absent', restarting: false, restarts: 0 };
}

/** What the engine says of a container, in our words. */
export function statusOfContainer(container: ContainerInspectInfo): InstanceStatus {
  const { State, Config, NetworkSettings } = container;
  const state = stateOf(State.Status);
  const endpoint = state === 'running' ? endpointOf(NetworkSettings.Ports) : undefined;
  const address = Object.values(NetworkSettings.Networks).find(({ IPAddress }) => IPAddress !== '')?.IPAddress;
  const message = messageOf(container);
  const id = instanceOf(Config.Labels);
  return {
    name: container.Name.replace(/^\//, ''),
    state,
    restarting: State.Restarting,
    restarts: container.RestartCount,
    imageDigest: container.Image,
    tags: tagsOf(Config.Labels),
    ...(id ? { id } : {}),
    ...(state === 'exited' ? { exitCode: State.ExitCode, oomKilled: State.OOMKilled } : {}),
    ...(endpoint ? { endpoint } : {}),
    ...(address === undefined ? {} : { address }),
    // The year 1 means never.
    ...(State.StartedAt.startsWith('0001') ? {} : { startedAt: new Date(State.StartedAt) }),
    ...(message === undefined ? {} : { message }),
  };
}

/** @see https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerInspect (State.Status) */
function stateOf(status: string): InstanceStatus['state'] {
  if (status === 'created') return 'starting';
  // A paused process is there, and answers nothing: its health check tells.
  return status === 'running' || status === 'paused' ? 'running' : 'exited';
}

/** dockerode's types don't say that a port that is not published is null. */
type Ports = Readonly<Record<string, { HostIp: string; HostPort: string }[] | null>> | null;

function endpointOf(ports: Ports): InstanceStatus['endpoint'] {
  const [binding] = Object.values(ports ?? {}).flatMap((bindings) => bindings ?? []);
  return binding && { host: binding.HostIp, port: Number(binding.HostPort) };
}

function messageOf({ State, HostConfig, RestartCount }: ContainerInspectInfo): string | undefined {
  if (State.Paused) return 'it is paused (`docker unpause` lets it go on)';
  if (State.Running && !State.Restarting) {
    const health = State.Health?.Status;
    const checked = health === undefined || health === 'none' ? [] : [`its image's own health check says ${health}`];
    const again = RestartCount > 0 ? [`it was started again ${times(RestartCount)}`] : [];
    return [...checked, ...again].join('; ') || undefined;
  }
  if (State.Status === 'created') return State.Error || undefined;
  const again = State.Restarting ? `; the engine starts it again (${times(RestartCount)} so far)` : '';
  return `${endOf(State, HostConfig.Memory)}${again}`;
}

function endOf(state: ContainerInspectInfo['State'], memoryBytes: number | undefined): string {
  if (state.OOMKilled)
    return `it wanted more than its ${Math.round((memoryBytes ?? 0) / 1024 / 1024)} MiB of memory and was ended`;
  if (state.Error) return `it could not start: ${state.Error}`;
  const signal = signalOf(state.ExitCode);
  return signal ? `it was ended by ${signal} (exit code ${state.ExitCode})` : `it exited with code ${state.ExitCode}`;
}

/** A shell's convention, which the engine follows: 128 and the signal's number. */
function signalOf(exitCode: number): string | undefined {
  return Object.entries(constants.signals).find(([, number]) => number + 128 === exitCode)?.[0];
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}
