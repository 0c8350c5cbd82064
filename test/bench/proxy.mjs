import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { eventually, get } from '../e2e/src/http.ts';
import { atLeast, atMost, ms, report, run, wrk } from './measure.mjs';

/** The reverse proxy against nginx in front of the same backend, and both against no proxy at all. */
export async function proxy(sandbox) {
  await sandbox.repository('node-service', ['first']);
  const { url } = await sandbox.create();
  const { pid } = JSON.parse((await get(url)).body);
  const backend = await listeningAddress(pid);
  const nginx = await startNginx(path.join(sandbox.folder, 'nginx'), backend);
  try {
    const targets = { direct: `http://${backend}/`, nginx: `http://127.0.0.1:${nginx.port}/`, ours: url };
    const busy = {};
    const calm = {};
    for (const [name, target] of Object.entries(targets)) busy[name] = await wrk(target, 32, 6);
    for (const [name, target] of Object.entries(targets)) calm[name] = await wrk(target, 1, 4);
    const rate = (name) => `${Math.round(busy[name].perSecond)}/s`;
    report(
      'proxy, requests, 32 connections',
      rate('ours'),
      `nginx: ${rate('nginx')}`,
      busy.ours.perSecond / busy.nginx.perSecond,
      atLeast(0.5),
    );
    for (const quantile of ['p50', 'p99']) {
      const added = (name) => calm[name][quantile] - calm.direct[quantile];
      const what = `proxy, added at ${quantile}, 1 connection`;
      if (added('nginx') <= 0 || added('ours') <= 0) {
        console.log(`${what.padEnd(44)} below the noise of this run: ${JSON.stringify(calm)}`);
        continue;
      }
      report(what, ms(added('ours')), `nginx adds ${ms(added('nginx'))}`, added('ours') / added('nginx'), atMost(2));
    }
  } finally {
    await nginx.stop();
  }
}

async function listeningAddress(pid) {
  const table = await run('ss', ['-ltnpH']);
  const line = table.split('\n').find((row) => row.includes(`pid=${pid},`));
  if (!line) throw new Error(`process ${pid} listens nowhere:\n${table}`);
  return line.trim().split(/\s+/)[3];
}

async function startNginx(folder, backend) {
  await mkdir(folder, { recursive: true });
  const port = 17_900;
  const config = `
daemon off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log;
events { worker_connections 1024; }
http {
  access_log off; client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  upstream backend { server ${backend}; keepalive 64; }
  server { listen 127.0.0.1:${port}; location / { proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Connection ""; } }
}`;
  const file = path.join(folder, 'nginx.conf');
  await writeFile(file, config);
  const child = spawn('nginx', ['-c', file, '-e', path.join(folder, 'error.log')], { stdio: 'ignore' });
  await eventually(() => get(`http://127.0.0.1:${port}/`));
  return {
    port,
    async stop() {
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

/** Resident memory of the daemon while `count` environments idle. */
export async function memory(sandbox, processesOf, count = 20) {
  const versions = Array.from({ length: count }, (_, index) => `v${index}`);
  const { commits } = await sandbox.repository('node-service', versions);
  for (const commit of commits) await sandbox.create('--sha', commit);
  await new Promise((resolve) => setTimeout(resolve, 5000)); // idle means that what creating took is over
  const daemon = (await processesOf(sandbox.stateHome)).filter(({ command }) => command.includes('daemon'));
  const sizes = await Promise.all(daemon.map(({ pid }) => readFile(`/proc/${pid}/status`, 'utf8')));
  const megabytes = sizes.reduce((sum, text) => sum + Number(/VmRSS:\s+(\d+)/.exec(text)?.[1] ?? 0) / 1024, 0);
  report(
    `daemon, idle, ${count} environments`,
    `${megabytes.toFixed(0)} MB`,
    'aim: 100 MB',
    megabytes / 100,
    atMost(1),
  );
}
