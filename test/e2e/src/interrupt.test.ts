import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { fileLeftovers } from './leftovers.ts';
import { get } from './http.ts';
import { Sandbox } from './sandbox.ts';

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await Sandbox.open();
});
afterEach(async () => sandbox.dispose());

test.each([1, 2])(
  'Ctrl-C %i time(s) at any moment ends the command promptly with 130, and it can go on',
  async (times) => {
    const { commits } = await sandbox.repository('node-service', ['first']);
    const whole = await sandbox.run(['env', 'create', '--sha', commits[0]!]);
    await sandbox.destroy(commits[0]!);
    for (let part = 1; part < 10; part += 1) {
      const afterMs = (whole.tookMs * part) / 10;
      let interruptedAt = 0;
      const outcome = await sandbox.run(['env', 'create', '--sha', commits[0]!], {
        onStart: (child) => {
          setTimeout(() => {
            interruptedAt = performance.now();
            for (let time = 0; time < times; time += 1) child.kill('SIGINT');
          }, afterMs);
        },
      });
      // Before the program has its handlers, the signal itself ends it.
      const interrupted = outcome.code === 130 || outcome.signal === 'SIGINT';
      expect([afterMs, interrupted || outcome.code === 0]).toEqual([afterMs, true]);
      if (interrupted) expect(performance.now() - interruptedAt).toBeLessThan(5000);
      const { id, url } = await sandbox.create('--sha', commits[0]!);
      expect((await get(url)).status).toBe(200);
      await sandbox.destroy(id);
      expect(await fileLeftovers(sandbox.stateHome)).toEqual([]);
    }
    await sandbox.expectNothingIsLeft();
  },
  300_000,
);
