import type { InjectionToken } from 'tsyringe';
import type { ImageDriver } from '../artefact/images.ts';
import type { DnsProvider } from '../dns/dns.ts';
import type { EnvironmentDriver } from '../environment/environment.ts';
import type { SlotDriver } from '../slot/slot.ts';
import type { StateStore } from '../state/store.ts';
import type { StorageDriver } from '../storage/storage.ts';
import type { FoundationDriver } from './foundation.ts';

/** What a token gives: a driver is made at its first use, so that its SDK is loaded then. */
export type Lazy<T> = () => Promise<T>;

/** The tokens under which a project's child container holds its drivers. Register another value to swap one. */
export const ENVIRONMENTS: InjectionToken<Lazy<EnvironmentDriver>> = Symbol.for('clusternator.environments');
/** The router of slots. */
export const SLOTS: InjectionToken<Lazy<SlotDriver>> = Symbol.for('clusternator.slots');
/** Volumes and snapshots. */
export const STORAGE: InjectionToken<Lazy<StorageDriver>> = Symbol.for('clusternator.storage');
/** Where images are kept. */
export const IMAGES: InjectionToken<Lazy<ImageDriver>> = Symbol.for('clusternator.images');
/** The DNS, of this provider or another. */
export const DNS: InjectionToken<Lazy<DnsProvider>> = Symbol.for('clusternator.dns');
/** Where the state is kept, of this provider or another. */
export const STATE: InjectionToken<Lazy<StateStore>> = Symbol.for('clusternator.state');
/** What stands under the environments. */
export const FOUNDATION: InjectionToken<Lazy<FoundationDriver<unknown>>> = Symbol.for('clusternator.foundation');
