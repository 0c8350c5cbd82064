/**
 * The reverse proxy by itself: `node test/bench/proxy-alone.mjs` after a build. It and nginx, one process each with upstream
 * connections kept, take turns in front of the same two backends: one of nginx, which is never what limits, and one of Node.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { atLeast, median, ms, report, run } from './measure.mjs';

const ROUNDS = 3;
const PORTS = { fast: 17_921, node: 17_922, nginxFast: 17_923, nginxNode: 17_924, oursFast: 17_925, oursNode: 17_926 };

if (process.argv[2] === '--serve') await serve();
else if (process.argv[2] === '--backend') await backend();
else await compare();

async function compare() {
  const folder = await mkdtemp(path.join(tmpdir(), 'proxy-alone-'));
  const children = [];
  try {
    children.push(
      await startNginx(path.join(folder, 'backend'), backendConfig()),
      await startNginx(path.join(folder, 'proxy'), proxyConfig()),
    );
    children.push(startSelf('--backend'), startSelf('--serve'));
    await Promise.all(Object.values(PORTS).map((port) => untilAnswers(port)));
    for (const [name, direct, nginx, ours] of [
      ['nginx', PORTS.fast, PORTS.nginxFast, PORTS.oursFast],
      ['Node', PORTS.node, PORTS.nginxNode, PORTS.oursNode],
    ]) {
      const busy = await takeTurns(32, 4, { nginx, ours });
      const calm = await takeTurns(1, 2, { direct, nginx, ours });
      const perSecond = (who) => median(busy[who].map((one) => one.perSecond));
      report(
        `${name} backend, requests, 32 connections`,
        `${Math.round(perSecond('ours'))}/s`,
        `nginx: ${Math.round(perSecond('nginx'))}/s`,
        perSecond('ours') / perSecond('nginx'),
        atLeast(0.5),
      );
      for (const quantile of ['p50', 'p99']) {
        const at = (who) => median(calm[who].map((one) => one[quantile]));
        const added = (who) => Math.max(0.001, at(who) - at('direct'));
        console.log(
          `${name} backend, added at ${quantile}, 1 connection: ours ${ms(added('ours'))}, nginx ${ms(added('nginx'))}`,
        );
      }
    }
  } finally {
    for (const child of children) child.kill('SIGTERM');
    await Promise.all(children.map((child) => (child.exitCode === null ? once(child, 'exit') : undefined)));
    await rm(folder, { recursive: true, force: true });
  }
}

async function takeTurns(connections, seconds, targets) {
  const results = Object.fromEntries(Object.keys(targets).map((name) => [name, []]));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [name, port] of Object.entries(targets)) results[name].push(await wrk(port, connections, seconds));
  }
  return results;
}

async function wrk(port, connections, seconds) {
  const text = await run('wrk', ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency', `http://127.0.0.1:${port}/`]);
  if (/Non-2xx|Socket errors/.test(text)) throw new Error(`port ${port}: ${text}`);
  const at = (percent) => {
    const [, value, unit] = new RegExp(`${percent}%\\s+([\\d.]+)(us|ms|s)`).exec(text);
    return Number(value) * { us: 0.001, ms: 1, s: 1000 }[unit];
  };
  return { perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(text)[1]), p50: at(50), p99: at(99) };
}

function startSelf(mode) {
  return spawn(process.execPath, [import.meta.filename, mode], { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** What the daemon runs, without the daemon. */
async function serve() {
  const dist = path.resolve(import.meta.dirname, '../../providers/local/dist/proxy');
  const { ProxyServer } = await import(path.join(dist, 'server.js'));
  const { RoutingTable } = await import(path.join(dist, 'table.js'));
  for (const [port, upstream] of [
    [PORTS.oursFast, PORTS.fast],
    [PORTS.oursNode, PORTS.node],
  ]) {
    const table = new RoutingTable();
    const target = { kind: 'service', endpoints: [{ host: '127.0.0.1', port: upstream }] };
    table.setBackend({ id: 'e', title: 'environment e', parts: [{ name: 'web', prefix: '/', target }] });
    table.setHost('127.0.0.1', [{ backend: 'e', percent: 100 }]);
    await new ProxyServer({ table }).listen({ port });
  }
}

async function backend() {
  const { createServer } = await import('node:http');
  createServer((_, response) => response.end('hello, world\n')).listen(PORTS.node, '127.0.0.1');
}

function backendConfig() {
  return `server { listen 127.0.0.1:${PORTS.fast}; location / { default_type text/plain; return 200 "hello, world\\n"; } }`;
}

function proxyConfig() {
  const proxied = (port, name, upstream) => `
  upstream ${name} { server 127.0.0.1:${upstream}; keepalive 64; keepalive_requests 1000000; }
  server { listen 127.0.0.1:${port}; location / {
    proxy_pass http://${name}; proxy_http_version 1.1; proxy_set_header Connection "";
    proxy_set_header Host $host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
  } }`;
  return proxied(PORTS.nginxFast, 'fast', PORTS.fast) + proxied(PORTS.nginxNode, 'node', PORTS.node);
}

/** A process of its own for each: backend and proxy in one would share a core. */
async function startNginx(folder, servers) {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const config = `
daemon off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log;
events { worker_connections 1024; }
http {
  access_log off; keepalive_requests 1000000;
  ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')}
  ${servers}
}`;
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, 'nginx.conf'), config);
  return spawn('nginx', ['-c', path.join(folder, 'nginx.conf'), '-e', path.join(folder, 'error.log')], {
    stdio: 'ignore',
  });
}

async function untilAnswers(port) {
  const deadline = Date.now() + 15_000;
  for (;;) {
    const ok = await fetch(`http://127.0.0.1:${port}/`).then(
      (reply) => reply.ok,
      () => false,
    );
    if (ok) return;
    if (Date.now() > deadline) throw new Error(`nothing answers on port ${port}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
