import { describe } from '@jest/globals';

import { describeUses } from './uses.ts';

describe('a PostgreSQL that runs as a process', () => {
  describeUses('process');
});
