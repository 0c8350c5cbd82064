import { expect, test } from '@jest/globals';
import { allOf, eachOnce, type EbsFound } from './ebs-found.ts';

interface Found extends EbsFound {
  readonly ref: string;
}
const found = (ref: string, id: string, second: number, isGoing = false): Found => ({
  ...{ ref, isGoing, madeAt: new Date(second * 1000) },
  identity: { type: 'volume', id, fingerprint: 'f', tags: {} },
});
// As EC2 tells them: in any order.
async function* told(): AsyncGenerator<Found> {
  yield* [
    found('young', 'data', 9),
    found('other', 'logs', 1),
    found('ending', 'data', 1, true),
    found('old', 'data', 5),
  ];
}
const refs = (all: readonly Found[]): readonly string[] => all.map(({ ref }) => ref);

test('of several of one id the oldest is it that does not end, and each id is told once', async () => {
  expect(refs(await allOf('data', told()))).toEqual(['old', 'young', 'ending']);
  expect(refs(await eachOnce(told()))).toEqual(['other', 'old']);
});
