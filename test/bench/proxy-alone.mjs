/**
 * The reverse proxy by itself: `node test/bench/proxy-alone.mjs` after a build. It and nginx, one process each with upstream
 * connections kept, take turns in front of the same two backends: one of nginx, which is never what limits, and one of Node.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { compareProxies, nginxProxy, startNginx } from './proxies.mjs';

const PORTS = { fast: 17_921, node: 17_922, nginxFast: 17_923, nginxNode: 17_924, oursFast: 17_925, oursNode: 17_926 };

if (process.argv[2] === '--serve') await serve();
else if (process.argv[2] === '--backend') await backend();
else await compare();

async function compare() {
  const folder = await mkdtemp(path.join(tmpdir(), 'proxy-alone-'));
  const backends = await startNginx(
    path.join(folder, 'backend'),
    `server { listen 127.0.0.1:${PORTS.fast}; location / { default_type text/plain; return 200 "hello, world\\n"; } }`,
  );
  const nginx = await startNginx(
    path.join(folder, 'proxy'),
    nginxProxy(PORTS.nginxFast, 'fast', `127.0.0.1:${PORTS.fast}`) +
      nginxProxy(PORTS.nginxNode, 'node', `127.0.0.1:${PORTS.node}`),
  );
  const node = startSelf('--backend');
  const ours = startSelf('--serve');
  try {
    await Promise.all(Object.values(PORTS).map((port) => untilAnswers(port)));
    const worker = await nginx.worker();
    for (const [name, direct, peer, own] of [
      ['nginx', PORTS.fast, PORTS.nginxFast, PORTS.oursFast],
      ['Node', PORTS.node, PORTS.nginxNode, PORTS.oursNode],
    ]) {
      await compareProxies(`${name} backend`, {
        direct: { url: urlOf(direct) },
        nginx: { url: urlOf(peer), pid: worker },
        ours: { url: urlOf(own), pid: ours.pid },
      });
    }
  } finally {
    for (const child of [node, ours]) {
      child.kill('SIGTERM');
      if (child.exitCode === null) await once(child, 'exit');
    }
    await nginx.stop();
    await backends.stop();
    await rm(folder, { recursive: true, force: true });
  }
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

function urlOf(port) {
  return `http://127.0.0.1:${port}/`;
}

async function untilAnswers(port) {
  const deadline = Date.now() + 15_000;
  for (;;) {
    const ok = await fetch(urlOf(port)).then(
      (reply) => reply.ok,
      () => false,
    );
    if (ok) return;
    if (Date.now() > deadline) throw new Error(`nothing answers on port ${port}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
