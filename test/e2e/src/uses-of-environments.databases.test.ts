import { describe } from '@jest/globals';

import { describeEnvironments } from './uses.ts';

describe('a PostgreSQL that runs as a process', () => {
  describeEnvironments('process');
});
