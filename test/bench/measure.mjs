import { spawn } from 'node:child_process';

export const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/**
 * Milliseconds of each command. They take turns, in another order each round, so that what else the machine does hits all of them alike.
 * A first round warms all of them up and does not count.
 * @param prepare - Comes before each round, and does not count.
 */
export async function takeTurns(rounds, contestants, prepare = () => undefined) {
  const times = Object.fromEntries(Object.keys(contestants).map((name) => [name, []]));
  for (let round = 0; round <= rounds; round += 1) {
    await prepare();
    const order = Object.entries(contestants);
    for (const [name, run] of round % 2 === 0 ? order : order.reverse()) {
      const started = performance.now();
      await run(round);
      if (round > 0) times[name].push(performance.now() - started);
    }
  }
  return times;
}

/** How many times longer one took than the other: the median over the rounds, since both of a round had the same machine. */
export const ratioOf = (times, others) => median(times.map((time, round) => time / others[round]));

export function run(command, args, { onStart, ...options } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    onStart?.(child);
    let stdout = '';
    let stderr = '';
    child.stdout?.on('data', (text) => (stdout += text));
    child.stderr?.on('data', (text) => (stderr += text));
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(stdout);
      else reject(new Error(`${command} ${args.join(' ')} ended with ${code}:\n${stdout}${stderr}`));
    });
  });
}

/** One line of the report: ours, the peer's, and how they compare to what is aimed for. */
export function report(what, ours, peer, ratio, aim) {
  const met = aim.isHidden?.(ratio) ? 'NOT TOLD' : aim.test(ratio) ? 'met' : 'MISSED';
  console.log(
    `${what.padEnd(44)} ${ours.padStart(14)}  ${peer.padEnd(34)} ${ratio.toFixed(2).padStart(7)}  ${aim.text} ${met}`,
  );
}

export const atMost = (limit) => ({ text: `<= ${limit}`, test: (ratio) => ratio <= limit });
export const atLeast = (limit) => ({ text: `>= ${limit}`, test: (ratio) => ratio >= limit });
export const ms = (value) => `${value.toFixed(value < 10 ? 2 : 0)} ms`;

/** Load on a URL of an environment or slot, over kept connections. @returns Requests a second, and latencies in milliseconds. */
export async function wrk(url, connections, seconds) {
  const { hostname, port, pathname } = new URL(url);
  const target = hostname.endsWith('.localhost') ? `http://127.0.0.1:${port}${pathname}` : url;
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency', '-H', `Host: ${hostname}:${port}`, target];
  const text = await run('wrk', args);
  const at = (percent) => toMs(new RegExp(`${percent}%\\s+([\\d.]+)(us|ms|s)`).exec(text));
  const failed = /Non-2xx or 3xx responses: (\d+)/.exec(text);
  if (failed) throw new Error(`${failed[1]} of the requests to ${url} failed`);
  return { perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(text)[1]), p50: at(50), p99: at(99) };
}

function toMs([, value, unit]) {
  return Number(value) * { us: 0.001, ms: 1, s: 1000 }[unit];
}
