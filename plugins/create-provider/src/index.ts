export { createProvider, DRIVERS, type Driver, type ProviderRequest } from './create.ts';
