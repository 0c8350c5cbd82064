import assert from 'node:assert/strict';
import type { Case } from '../kit/case.ts';
import { codeOf } from '../kit/trial.ts';

export const slotCases: readonly Case[] = [
  {
    id: 'slot/a-slot-that-never-was-cant-be-routed',
    number: 41,
    title: 'A slot that never was has no routes to write',
    drivers: ['slots'],
    needs: ['slots.router'],
    async run(t) {
      const slots = await t.main.slots();
      const ghost = { id: 'ghost', phase: 'active', handle: {}, routes: [] } as const;
      const routed = t.main.call('slots.route', 'ghost', (call) => slots.route(ghost, [], '1', call));
      assert.equal(await codeOf(routed), 'not-found');
    },
  },
];
