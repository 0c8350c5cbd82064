import type { Handle, Host } from '@clusternator/core/provider';
import type { environmentHandle } from '../ecs/handle.ts';
import { environmentKey } from '../ecs/names.ts';

const KIND = 'runs';
const MACHINES = 'machines';

/** What all names of an environment on machines begin with. */
export function machineKey(host: Host, id: string): string {
  return environmentKey(host, id, 'vm');
}

/** Marks what runs on machines. */
export function onMachines(handle: ReturnType<typeof environmentHandle>): Handle {
  return { ...handle, [KIND]: MACHINES };
}

/** Undefined: the handle does not say what it is of. */
export function isOnMachines(handle: Handle | undefined): boolean | undefined {
  return handle === undefined ? undefined : handle[KIND] === MACHINES;
}
