import path from 'node:path';

import { SlotLibrary } from '../e2e/src/slot-library.ts';
import { atLeast, atMost, median, ms, ratioOf, report, run, takeTurns, wrk } from './measure.mjs';

const flips = 100;
const commandRounds = 21;
const secondsOfLoad = 4;
const flipEveryMs = 500;

/** Promotion and rollback on the local provider, with no stages and no bake. */
export async function slots(sandbox, tool) {
  const { b, url } = await twoEnvironments(sandbox);
  await using library = new SlotLibrary(sandbox, [path.join(import.meta.dirname, 'count-writes.mjs')]);
  const there = () => library.move('promote', { slot: 'master', environment: b });
  const back = () => library.move('rollback', { slot: 'master' });
  await there();
  await back();

  const promotions = [];
  const rollbacks = [];
  for (let round = 0; round < flips; round += 1) {
    promotions.push(await there());
    rollbacks.push(await back());
  }
  for (const [what, answers] of Object.entries({ promote: promotions, rollback: rollbacks })) {
    const times = answers.map(({ result }) => result.flipSeconds * 1000).sort((one, other) => one - other);
    const p99 = times[Math.floor(times.length * 0.99) - 1];
    report(
      `${what}, until the flip, median of ${flips}`,
      ms(median(times)),
      'aim: 50 ms',
      median(times) / 50,
      atMost(1),
    );
    report(`${what}, until the flip, p99 of ${flips}`, ms(p99), 'aim: 50 ms', p99 / 50, atMost(1));
    const writes = median(answers.map((answer) => answer.writes));
    report(`${what}, commits until the flip`, String(writes), '1: claim, pin and journal at once', writes, atMost(3));
  }

  await commands(sandbox, tool, there);
  await throughput(url, there, back);
}

/** The whole command against an empty Node process. */
async function commands(sandbox, tool, there) {
  const bin = path.join(tool, 'node_modules', '.bin', 'clusternator');
  const options = { cwd: sandbox.cwd, env: sandbox.env };
  const contestants = {
    node: () => run('node', ['-e', '0'], options),
    ours: () => run(bin, ['rollback', 'master'], options),
  };
  const times = await takeTurns(commandRounds, contestants, there);
  report(
    'the command rollback',
    ms(median(times.ours)),
    `node -e 0: ${ms(median(times.node))}`,
    ratioOf(times.ours, times.node),
    atMost(8),
  );
}

/** Turns of load with and without flips, so that what else the machine does hits both alike. */
async function throughput(url, there, back) {
  const rates = { without: [], during: [] };
  for (let turn = 0; turn < 3; turn += 1) {
    rates.without.push((await wrk(url, 32, secondsOfLoad)).perSecond);
    let running = true;
    const flipping = (async () => {
      while (running) {
        for (const flip of [there, back]) {
          await flip();
          await new Promise((resolve) => setTimeout(resolve, flipEveryMs));
        }
      }
    })();
    rates.during.push((await wrk(url, 32, secondsOfLoad)).perSecond);
    running = false;
    await flipping;
  }
  const [during, without] = [median(rates.during), median(rates.without)];
  const rate = (value) => `${Math.round(value)}/s`;
  report('a slot while it is flipped', rate(during), `without: ${rate(without)}`, during / without, atLeast(0.95));
}

async function twoEnvironments(sandbox) {
  const { repository } = await sandbox.repository('node-service', ['start']);
  await repository.edit('clusternator.config.yaml', (text) => `${text}\nslots:\n  master: { standbys: 1 }\n`);
  const made = [];
  for (const version of ['a', 'b']) {
    await repository.write('version.txt', version);
    made.push(await sandbox.create('--sha', await repository.commit(`Version ${version}`)));
  }
  const [a, b] = made.map(({ id }) => id);
  const { data } = await sandbox.json(['promote', a, 'master']);
  return { b, url: data.slot.url };
}
