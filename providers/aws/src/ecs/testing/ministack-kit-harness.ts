import { kitOn } from './kit-harness.ts';

export default kitOn('ministack', import.meta.url);
