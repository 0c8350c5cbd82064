import { describe } from '@jest/globals';

import { describeSlots } from './uses.ts';

describe('a PostgreSQL that runs as a process', () => {
  describeSlots('process');
});
