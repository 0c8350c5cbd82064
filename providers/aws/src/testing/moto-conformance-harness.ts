import { harnessOn } from './harness.ts';

export default harnessOn('moto', import.meta.url, {
  'hygiene/the-permissions-are-those-that-are-used':
    'moto says at once that a change is done, so that nobody asks again',
  'hygiene/nothing-is-left': 'record sets and documents carry no tags; each case removes its own',
});
