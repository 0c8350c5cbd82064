import { kitOn } from './kit-harness.ts';

export default kitOn('moto', import.meta.url);
