import { harnessOn } from './harness.ts';

export default harnessOn('ministack', import.meta.url, {
  'hygiene/the-permissions-are-those-that-are-used':
    'nothing is made here that stands on a foundation; what that asks for is compared beside its driver',
  'hygiene/nothing-is-left': 'record sets and documents carry no tags; each case removes its own',
});
