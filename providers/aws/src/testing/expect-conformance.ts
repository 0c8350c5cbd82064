import { expect } from '@jest/globals';
import { runKit, type Harness } from '@clusternator/conformance';

/** All cases that the provider has a driver for pass, but for those that the harness leaves out. */
export async function expectConformance(harness: Harness): Promise<void> {
  const { cases } = await runKit(harness);
  const failed = cases.filter(({ outcome }) => outcome === 'failed');
  expect(failed.map(({ id, error }) => ({ id, error }))).toEqual([]);
  expect(cases.filter(({ outcome }) => outcome === 'not-run').map(({ id }) => id)).toEqual(
    Object.keys(harness.leaveOut ?? {}),
  );
}
