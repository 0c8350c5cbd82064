import { foundationKit } from './kit-harness.ts';

export default foundationKit('moto', import.meta.url);
