import { ProviderError } from '../provider/error.ts';
import type { Call } from '../provider/host.ts';
import type { Documents, EnvironmentDocument } from '../state/documents.ts';

/** Who pins, for which slot, under which epoch of it. */
export interface Pin {
  readonly slot: string;
  readonly holder: string;
  readonly epoch: number;
}

/**
 * Writes a pin into an environment's document, which a destroy can then no longer win against.
 * @returns The document as it is then. @throws ProviderError `refused`: it is not ready; `not-found`.
 */
export async function pinEnvironment(
  { environments }: Documents,
  id: string,
  pin: Pin,
  call: Call,
): Promise<EnvironmentDocument> {
  const { document } = await environments.update(
    id,
    (found) => {
      // Made for this slot under this operation: its pin has been in it from the start.
      const isOurs =
        found.phase === 'creating' && found.slot === pin.slot && pin.holder in (found.pins[pin.slot] ?? {});
      if (found.phase !== 'ready' && !isOurs) throw notReady(found, pin.slot);
      // A process that slept may come with an older epoch.
      if ((found.pins[pin.slot]?.[pin.holder] ?? -1) >= pin.epoch) return undefined;
      return withPin(found, pin);
    },
    call,
  );
  return document;
}

export function withPin(document: EnvironmentDocument, { slot, holder, epoch }: Pin): EnvironmentDocument {
  const { releasedAt: _, ...kept } = document;
  return { ...kept, pins: { ...document.pins, [slot]: { ...document.pins[slot], [holder]: epoch } } };
}

/**
 * Removes a slot's pins of epochs up to `upTo`. Newer ones belong to an operation that came after the slot's document let go.
 * @param holder - Only this one's.
 */
export async function unpinEnvironment(
  { environments }: Documents,
  id: string,
  {
    slot,
    upTo,
    holder,
    at,
  }: { readonly slot: string; readonly upTo: number; readonly holder?: string; readonly at: Date },
  call: Call,
): Promise<void> {
  try {
    await environments.update(
      id,
      (found) => {
        const left = Object.entries(found.pins[slot] ?? {}).filter(
          ([one, epoch]) => epoch > upTo || (holder !== undefined && one !== holder),
        );
        if (left.length === Object.keys(found.pins[slot] ?? {}).length) return undefined;
        const { [slot]: _, ...others } = found.pins;
        const pins = left.length > 0 ? { ...others, [slot]: Object.fromEntries(left) } : others;
        const isFree = Object.keys(pins).length === 0;
        return { ...found, pins, ...(isFree && { releasedAt: at.toISOString() }) };
      },
      call,
    );
  } catch (error) {
    if (!ProviderError.is(error) || error.code !== 'not-found') throw error;
  }
}

function notReady({ id, phase }: EnvironmentDocument, slot: string): ProviderError {
  return new ProviderError('unhealthy', `environment ${id} can't serve ${slot}: it is ${phase}`, {
    hint: `clusternator env show ${id}`,
  });
}
