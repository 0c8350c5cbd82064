import { describe } from '@jest/globals';

import { describeEnvironments } from './uses.ts';

describe('a PostgreSQL that runs in a container', () => {
  describeEnvironments('container');
});
