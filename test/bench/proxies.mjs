import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { atLeast, median, ms, report, run, wrk } from './measure.mjs';

const CONNECTIONS = 32;
const ROUNDS = 7;
const SECONDS = 2;

/**
 * Two proxies in front of one backend. They take turns, round by round, so that what else the machine does hits both alike,
 * and a round compares them with each other; processor time a request hardly depends on what else runs.
 * @param targets - `direct`, `nginx` and `ours`, each with its `url`, and for the proxies the `pid` of the process that works.
 */
export async function compareProxies(what, targets) {
  const proxies = { nginx: targets.nginx, ours: targets.ours };
  for (const { url } of Object.values(proxies)) await wrk(url, CONNECTIONS, 1); // code that is compiled, connections that are open
  const busy = await rounds(proxies, CONNECTIONS);
  const perSecond = (name) => median(busy[name].map((one) => one.perSecond));
  report(
    `${what}, requests, ${CONNECTIONS} connections`,
    `${Math.round(perSecond('ours'))}/s`,
    `nginx: ${Math.round(perSecond('nginx'))}/s`,
    median(busy.ours.map((one, round) => one.perSecond / busy.nginx[round].perSecond)),
    atLeast(0.5),
  );
  const cpu = (name) => median(busy[name].map((one) => one.cpuMicroseconds));
  console.log(
    `${what}, processor time a request: ours ${cpu('ours').toFixed(0)} µs, nginx ${cpu('nginx').toFixed(0)} µs`,
  );
  const calm = await rounds(targets, 1);
  for (const quantile of ['p50', 'p99']) {
    const at = (name) => median(calm[name].map((one) => one[quantile]));
    const added = (name) => (at(name) > at('direct') ? ms(at(name) - at('direct')) : 'less than the noise');
    console.log(`${what}, added at ${quantile}, 1 connection: ours ${added('ours')}, nginx ${added('nginx')}`);
  }
}

async function rounds(targets, connections) {
  const results = Object.fromEntries(Object.keys(targets).map((name) => [name, []]));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [name, { url, pid }] of Object.entries(targets)) {
      const before = await cpuSeconds(pid);
      const result = await wrk(url, connections, SECONDS);
      const used = (await cpuSeconds(pid)) - before;
      results[name].push({ ...result, cpuMicroseconds: (used * 1e6) / (result.perSecond * SECONDS) });
    }
  }
  return results;
}

/** proc_pid_stat(5): utime and stime, in hundredths of a second. */
async function cpuSeconds(pid) {
  if (pid === undefined) return 0;
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /, '').split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** One location of nginx that passes everything on, with kept connections, and tells the upstream what ours tells it. */
export function nginxProxy(port, name, upstream) {
  return `
  upstream ${name} { server ${upstream}; keepalive 64; keepalive_requests 1000000; }
  server { listen 127.0.0.1:${port}; location / {
    proxy_pass http://${name}; proxy_http_version 1.1; proxy_set_header Connection "";
    proxy_set_header Host $http_host; proxy_set_header X-Forwarded-Host $http_host; proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
  } }`;
}

/** One worker, as ours is one process. */
export async function startNginx(folder, servers) {
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
  const child = spawn('nginx', ['-c', path.join(folder, 'nginx.conf'), '-e', path.join(folder, 'error.log')], {
    stdio: 'ignore',
  });
  return {
    worker: async () => Number((await run('ps', ['-o', 'pid=', '--ppid', String(child.pid)])).trim()),
    async stop() {
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}
