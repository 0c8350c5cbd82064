import { harnessOn } from './harness.ts';

export default harnessOn('ministack', import.meta.url, {});
