import { foundationKit } from './kit-harness.ts';

export default foundationKit('ministack', import.meta.url);
