import { test } from '@jest/globals';
import { expectConformance } from './testing/expect-conformance.ts';
import harness from './testing/moto-conformance-harness.ts';

test('the AWS provider passes the conformance kit on moto', () => expectConformance(harness), 600_000);
