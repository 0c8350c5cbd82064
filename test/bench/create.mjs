import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';

import { ensureBaseImage } from '../e2e/src/base-image.ts';
import { atMost, median, ms, ratioOf, report, run, takeTurns } from './measure.mjs';

const rounds = 9;
const versions = (prefix) => Array.from({ length: rounds + 1 }, (_, index) => `${prefix}-${index}`);

const processScript = `set -euo pipefail
git worktree add --quiet --detach "$1" "$2"
cd "$1"
npm ci >install.log 2>&1
PORT=$3 HOST=127.0.0.1 nohup node server.mjs >server.log 2>&1 </dev/null &
echo $! >"$1.pid"
until curl --silent --fail --output /dev/null "http://127.0.0.1:$3/ready"; do sleep 0.01; done
echo "http://127.0.0.1:$3"
`;
const containerScript = `set -euo pipefail
git worktree add --quiet --detach "$1" "$2"
docker build --quiet --tag "$4" "$1" >/dev/null
docker run --detach --name "$4" --publish "127.0.0.1:$3:8080" "$4" >/dev/null
until curl --silent --fail --output /dev/null "http://127.0.0.1:$3/ready"; do sleep 0.01; done
echo "http://127.0.0.1:$3"
`;

/** A warm create: the daemon runs and npm's cache is full; against what a person would write as a script. Each commit is new to both. */
export async function createProcess(sandbox) {
  await sandbox.useNpmCache();
  const { repository, commits } = await sandbox.repository('node-service', versions('p'), 'repository', {
    install: true,
  });
  const script = await scriptIn(sandbox, 'process.sh', processScript);
  const started = [];
  const times = await takeTurns(rounds, {
    ours: (round) => sandbox.create('--sha', commits[round]),
    script: async (round) => {
      const folder = path.join(sandbox.folder, `tree-${round}`);
      started.push(folder);
      await detached('bash', [script, folder, commits[round], String(17_000 + round)], repository.folder, sandbox.env);
    },
  });
  for (const folder of started) await run('sh', ['-c', `kill $(cat "${folder}.pid")`]);
  tell('env create, a process', times);
}

export async function createContainer(sandbox) {
  ensureBaseImage();
  const { repository, commits } = await sandbox.repository('docker-service', versions('c'));
  const script = await scriptIn(sandbox, 'container.sh', containerScript);
  const names = [];
  try {
    const times = await takeTurns(rounds, {
      ours: (round) => sandbox.create('--sha', commits[round]),
      script: async (round) => {
        const name = `${sandbox.project}-script-${round}`;
        names.push(name);
        const args = [script, path.join(sandbox.folder, `tree-${round}`), commits[round], String(17_100 + round), name];
        await detached('bash', args, repository.folder, sandbox.env);
      },
    });
    tell('env create, a container', times);
  } finally {
    for (const name of names)
      await run('sh', ['-c', `docker rm -f ${name}; docker rmi ${name}`]).catch(() => undefined);
  }
}

function tell(what, { ours, script }) {
  report(what, ms(median(ours)), `a shell script: ${ms(median(script))}`, ratioOf(ours, script), atMost(1.3));
}

async function scriptIn(sandbox, name, text) {
  const file = path.join(sandbox.folder, name);
  await writeFile(file, text);
  return file;
}

/** Waits for the script alone: what it started keeps no pipe of ours open. */
function detached(command, args, cwd, env) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, stdio: 'ignore' });
    child.once('error', reject);
    child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`${command} ended with ${code}`))));
  });
}
