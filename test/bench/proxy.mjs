import { readFile } from 'node:fs/promises';
import path from 'node:path';

import { eventually, get } from '../e2e/src/http.ts';
import { processesOf } from '../e2e/src/leftovers.ts';
import { atMost, report, run } from './measure.mjs';
import { compareProxies, nginxProxy, startNginx } from './proxies.mjs';

const NGINX_PORT = 17_900;

/** The reverse proxy, as the daemon runs it, against nginx in front of the same backend, and both against no proxy at all. */
export async function proxy(sandbox) {
  await sandbox.repository('node-service', ['first']);
  const { url } = await sandbox.create();
  const { pid } = JSON.parse((await get(url)).body);
  const backend = await listeningAddress(pid);
  const peer = `http://127.0.0.1:${NGINX_PORT}/`;
  const nginx = await startNginx(path.join(sandbox.folder, 'nginx'), nginxProxy(NGINX_PORT, 'backend', backend));
  try {
    await eventually(() => get(peer));
    const [daemon] = (await processesOf(sandbox.stateHome)).filter(({ command }) => command.includes('daemon'));
    await compareProxies('proxy', {
      direct: { url: `http://${backend}/` },
      nginx: { url: peer, pid: await nginx.worker() },
      ours: { url, pid: daemon.pid },
    });
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

/** Resident memory of the daemon while `count` environments idle. */
export async function memory(sandbox, count = 20) {
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
