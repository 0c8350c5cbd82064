import { describe, expect, test } from '@jest/globals';
import type { PromotionResult, SlotMember, SlotView } from '@clusternator/core';
import { slotPicture } from './slot-picture.ts';
import { promotedLines, promotionJson, promotionPlanLines } from './slot-text.ts';

const NOW = Date.parse('2026-11-22T12:00:00Z');
const plain = (_style: unknown, text: string): string => text;
const member = (environment: string, more: Partial<SlotMember> = {}): SlotMember => ({
  environment,
  commit: environment.padEnd(40, '0'),
  phase: 'ready',
  ...more,
});
const B = member('bbbbbbbbbbbb', { name: 'master', url: 'http://master--shop.localhost:1', subject: 'Mend the cart' });
const A = member('aaaaaaaaaaaa', { name: 'master.1', url: 'http://master-1--shop.localhost:1', healthy: true });
const SLOT: SlotView = {
  name: 'master',
  url: 'http://master--shop.localhost:1',
  generation: 2,
  state: 'idle',
  mechanism: 'router',
  head: B,
  standbys: [A],
  rejected: [],
  draining: [],
};
const RESULT: PromotionResult = {
  operation: '01JQ',
  kind: 'promote',
  slot: SLOT,
  from: A,
  to: B,
  existed: false,
  flipSeconds: 0.0432,
  undo: 'clusternator rollback master',
  warnings: [],
};

describe('after a promotion', () => {
  test('old and new, the time of the flip, the standbys with their state, the way back, and the URL last', () => {
    expect(promotedLines(RESULT, 'clusternator')).toEqual({
      before: [
        'Slot master: aaaaaaaaaaaa → bbbbbbbbbbbb (Mend the cart), in 43 ms',
        '  master.1  aaaaaaaaaaaa  healthy  http://master-1--shop.localhost:1',
        'To undo: clusternator rollback master',
      ],
      last: 'http://master--shop.localhost:1',
    });
  });

  test('that has not moved the traffic yet, nothing is said to be done', () => {
    const { before } = promotedLines({ ...RESULT, slot: { ...SLOT, head: A, standbys: [] } }, 'clusternator');
    expect(before.join('\n')).toContain('on its way to bbbbbbbbbbbb');
    expect(before.join('\n')).not.toContain('undo');
  });

  test('that waits for approval, the command for it', () => {
    const operation = { id: '01JQ', kind: 'promote', owner: 'ann', alive: true, approval: { askedAt: '' } } as const;
    const { before } = promotedLines({ ...RESULT, slot: { ...SLOT, head: A, operation } }, 'clusternator');
    expect(before.join('\n')).toContain('clusternator slot approve master');
  });

  test('in JSON, what is not there is null', () => {
    const { flipSeconds: _flip, undo: _undo, ...first } = RESULT;
    const { url: _url, ...unnamed } = SLOT;
    expect(promotionJson({ ...first, slot: unnamed })).toMatchObject({
      flipSeconds: null,
      undo: null,
      slot: { url: null },
    });
  });
});

test('a plan says what would be refused, and the way out', () => {
  const refused = { code: 'refused', message: 'promotions are held', hint: 'clusternator slot unpin master' } as const;
  const plan = { slot: 'master', kind: 'promote', to: B, changes: [], interruptsSeconds: 0, refused } as const;
  expect(promotionPlanLines(plan)).toEqual([
    'Slot master: bbbbbbbbbbbb (Mend the cart)',
    'Nothing would change.',
    'It would be refused (refused): promotions are held',
    'Try: clusternator slot unpin master',
  ]);
});

test('a plan that stops the head says so, for how long, and how that is known', () => {
  const interruption = {
    ...{ volumes: ['slot-master-data'], from: 'aaaaaaaaaaaa', to: 'bbbbbbbbbbbb', seconds: 14.2 },
    parts: [
      { what: 'stop', seconds: 0.25, basis: 'as the last time' },
      { what: 'start', seconds: 13.95, basis: 'as the last time' },
    ],
  } as const;
  const plan = { slot: 'master', kind: 'promote', to: B, changes: [], interruptsSeconds: 14.2, interruption } as const;
  expect(promotionPlanLines(plan).slice(2)).toEqual([
    'zero-downtime: no, about 14.2 s: slot-master-data goes from aaaaaaaaaaaa to bbbbbbbbbbbb',
    '  stop    250 ms, as the last time',
    '  start   13.9 s, as the last time',
  ]);
});

describe('the picture of a slot', () => {
  test('shows head, standbys, rejected, traffic, what is held, drift and releases', () => {
    const slot: SlotView = {
      ...SLOT,
      head: { ...B, healthy: false, message: 'GET / answered 500' },
      rejected: [member('cccccccccccc', { since: '2026-11-22T11:55:00Z' })],
      traffic: [{ environment: B.environment, percent: 100 }],
      pinned: { by: 'ann', at: '2026-11-22T11:55:00Z', why: 'rolled back from cccccccccccc' },
      drift: { expected: [{ environment: 'bbbbbbbbbbbb', percent: 100 }], found: [] },
      releases: [
        {
          generation: 2,
          environment: 'bbbbbbbbbbbb',
          commit: 'b',
          kind: 'rollback',
          operation: '01JQ',
          by: 'ann',
          at: '2026-11-22T11:55:00Z',
          reason: 'checkout fails',
          digests: {},
          configFingerprint: '',
        },
      ],
    };
    expect(slotPicture(slot, 'clusternator', NOW, plain)).toEqual([
      'Slot master, generation 2: idle',
      'http://master--shop.localhost:1',
      '',
      '  ● master    bbbbbbbbbbbb  not healthy: GET / answered 500  100 %  http://master--shop.localhost:1    Mend the cart',
      '  ○ master.1  aaaaaaaaaaaa  healthy                                 http://master-1--shop.localhost:1',
      '  × rejected  cccccccccccc  ready                                   5m ago',
      '',
      'Automatic promotions are held: rolled back from cccccccccccc (ann, 5m ago)',
      '  To let them go on: clusternator slot unpin master',
      'The router does not serve what was written:',
      '  written: 100 % bbbbbbbbbbbb',
      '  served:  nothing',
      '  To write it again: clusternator slot repair master',
      '  To take what it serves: clusternator slot adopt master',
      '',
      'Releases',
      '     2  rollback  bbbbbbbbbbbb  5m ago  ann  checkout fails',
    ]);
  });

  test('of one that nothing was promoted to says what to do', () => {
    const { head: _head, ...empty } = { ...SLOT, generation: 0, standbys: [] };
    expect(slotPicture(empty, 'clusternator', NOW, plain).join('\n')).toContain(
      'clusternator promote <environment> master',
    );
  });

  test('of one whose operation was left shows how to go on', () => {
    const operation = { id: '01JQ', kind: 'promote', owner: 'ann@box (process 1)', alive: false, to: A } as const;
    const lines = slotPicture({ ...SLOT, standbys: [], operation, state: 'shifting' }, 'clusternator', NOW, plain);
    expect(lines.join('\n')).toContain('clusternator op resume 01JQ');
    expect(lines.join('\n')).toContain('coming');
  });
});
