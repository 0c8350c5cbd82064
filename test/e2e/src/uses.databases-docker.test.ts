import { describe } from '@jest/globals';

import { describeUses } from './uses.ts';

describe('a PostgreSQL that runs in a container', () => {
  describeUses('container');
});
