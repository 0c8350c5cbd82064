import type { RebuiltItem } from '../host/project.ts';
import type { SlotDocument } from '../slot/documents.ts';
import type { EnvironmentDocument } from '../state/documents.ts';
import type { VolumeDocument } from '../storage/documents.ts';
import type { Unwritable } from './environments.ts';
import type { Plan } from './rebuild.ts';
import type { Unknown } from './result.ts';

/**
 * A rebuild as it is told.
 * @param written - The keys of what was written, as `volume data`. Left out: nothing was to be.
 */
export function itemsOf(plan: Plan, written: ReadonlySet<string> | undefined): readonly RebuiltItem[] {
  const { known } = plan;
  const item = (
    type: RebuiltItem['type'],
    id: string,
    as: string,
    isKnown: boolean,
    unknown: readonly Unknown[],
  ): RebuiltItem => {
    const isNew = written ? written.has(`${type} ${id}`) : !isKnown;
    return isNew
      ? { type, id, state: written ? 'written' : 'planned', as, unknown }
      : { type, id, state: 'there', as: '', unknown: [] };
  };
  return [
    ...plan.environments.map(({ document, unknown }) =>
      item('environment', document.id, environmentText(document), known.environments.has(document.id), unknown),
    ),
    ...plan.slots.map(({ document, unknown }) =>
      item('slot', document.name, slotText(document), known.slots.has(document.name), unknown),
    ),
    ...plan.volumes.map(({ document, unknown }) =>
      item('volume', document.id, volumeText(document), known.volumes.has(document.id), unknown),
    ),
    ...plan.snapshots.map(({ document, unknown }) =>
      item(
        'snapshot',
        document.id,
        `${document.phase}, of ${document.volume}`,
        known.snapshots.has(document.id),
        unknown,
      ),
    ),
    ...plan.left.map(leftItem),
  ];
}

function leftItem({ type, id, unknown }: Unwritable & Pick<RebuiltItem, 'type'>): RebuiltItem {
  return { type, id, state: 'left', as: '', unknown };
}

function environmentText({ phase, pins }: EnvironmentDocument): string {
  const slots = Object.keys(pins);
  return slots.length > 0 ? `${phase}, in use by ${slots.join(', ')}` : phase;
}

function slotText({ generation, head, standbys }: SlotDocument): string {
  const behind = standbys.length > 0 ? `, before it ${standbys.join(', ')}` : '';
  return `generation ${String(generation)}: ${head ?? 'nothing'}${behind}`;
}

function volumeText({ phase, scope, slot, environment, current }: VolumeDocument): string {
  const whose = slot ?? environment;
  const place = whose === undefined ? scope : `${scope} ${whose}`;
  return `${phase}, of ${place}${current === undefined ? '' : `, ${current} is used`}`;
}
