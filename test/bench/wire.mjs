import http from 'node:http';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';

import { passOn } from '@clusternator/emulators/pass-on';

/** Passes calls on to the emulator, each after a delay, and tells which of them came one after another. */
export async function slowWire(to) {
  let milliseconds = 0;
  let calls = [];
  const pass = async (request, response) => {
    const call = { from: performance.now(), to: Infinity };
    calls.push(call);
    const body = Buffer.concat(await request.toArray());
    call.name = nameOf(request, body);
    await sleep(milliseconds);
    const answer = await passOn(to, request, body);
    response.writeHead(answer.statusCode, answer.headers);
    await pipeline(answer, response);
    call.to = performance.now();
  };
  const server = http.createServer((request, response) => {
    pass(request, response).catch(() => response.destroy());
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    delay: (value) => {
      milliseconds = value;
      if (value > 0) calls = [];
    },
    /** The longest chain of calls of which each began when the one before had ended; beside each what began while it was the last. */
    steps: () => stepsOf(calls.filter(({ to: until }) => until < Infinity)),
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

function stepsOf(calls) {
  const ends = [];
  for (const { from, to: until } of [...calls].sort((a, b) => a.to - b.to))
    if (from >= (ends.at(-1) ?? -Infinity)) ends.push(until);
  const steps = ends.map(() => []);
  for (const { from, name } of calls) steps[ends.filter((end) => end <= from).length]?.push(name);
  return steps;
}

/** A line for each step, with how often each call was made. */
export function tellSteps(steps) {
  return steps.map((names, index) => {
    const counts = Map.groupBy(names, (name) => name);
    const told = [...counts].map(([name, all]) => (all.length > 1 ? `${all.length} ${name}` : name));
    return `  ${String(index + 1).padStart(2)}  ${told.join(', ')}`;
  });
}

/** The action, or the method and what it is of where there is none. */
function nameOf({ method, url, headers }, body) {
  const action = headers['x-amz-target']?.split('.').at(-1) ?? new URLSearchParams(body.toString()).get('Action');
  return action ?? `${method} ${url.split('?')[0].split('/').slice(0, 4).join('/')}`;
}
