import { gzipSync } from 'node:zlib';
import { ProviderError, type ServiceSpec } from '@clusternator/core/provider';
import type { AwsFoundation } from '../foundation/outputs.ts';
import { streamPrefix } from '../ecs/log-streams.ts';
import type { PlannedService } from '../ecs/plan.ts';
import type { MachineSettings } from './config.ts';
import { DISK_PROGRAM } from './disk-program.ts';
import { disksOf } from './disks.ts';
import { MACHINE_PROGRAM } from './machine-program.ts';
import type { Source } from '../sources/sources.ts';

/** Before it is encoded. @see https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html */
const MOST_BYTES = 16_384;
/** Where machines ask who they are. The service is not to: their role is not its own.
 *  @see https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html */
const METADATA = '169.254.169.254/32 fd00:ec2::254/128';

/** The user's id, the same on each machine: a disk keeps the ids of whom its files are. No system gives it by itself. */
const ACCOUNT = '50000';

/** Runs what follows as the service runs: by its user, in its folder, with its variables, without the machine's credentials. Root alone may. */
export const ENTER = '/opt/clusternator/exec';

/** What a machine begins with. */
export interface Beginning {
  readonly foundation: AwsFoundation;
  readonly machine: MachineSettings;
  readonly source: Source;
  /** The ARN of the secret with the values that have no reference of their own. */
  readonly secret?: string;
}

/**
 * What cloud-init runs once: it fetches the source of the commit, sees that it is that one, and hands it to systemd, as a service of a user
 * without rights. There is no secret in it: the machine reads those itself.
 * @throws ProviderError `invalid`: EC2 takes no more than 16 KiB.
 */
export function userData(planned: PlannedService, beginning: Beginning): string {
  const text = script(serviceOf(planned, beginning), beginning, disksOf(planned.spec).length > 0);
  const bytes = Buffer.byteLength(text);
  if (bytes <= MOST_BYTES) return text;
  throw new ProviderError(
    'invalid',
    `service ${planned.service}: what its machine begins with has ${String(bytes)} bytes, of ${String(MOST_BYTES)} that EC2 takes`,
    { path: `services.${planned.service}.env`, hint: 'keep long values in a secret, or in a file of the repository' },
  );
}

/** As the machine's program reads it. */
function serviceOf({ key, service, spec }: PlannedService, { foundation, secret }: Beginning): object {
  const disks = disksOf(spec);
  return {
    command: spec.command ?? [],
    install: spec.install ?? null,
    workingDir: spec.workingDir ?? '.',
    // The load balancer comes from another machine.
    env: { HOST: '0.0.0.0', ...spec.env },
    secrets: referencesOf(spec, secret),
    region: foundation.region,
    logGroup: foundation.logGroup,
    stream: streamPrefix(key, service),
    ...(disks.length > 0 && { disks: disks.map(({ zone: _, ...disk }) => disk) }),
  };
}

/** @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html (a key of a secret's JSON) */
function referencesOf({ secrets }: ServiceSpec, own = ''): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(secrets).map(([variable, { reference }]) => [variable, reference ?? `${own}:${variable}::`]),
  );
}

function script(service: object, { foundation, machine, source }: Beginning, hasDisks: boolean): string {
  const settings = Buffer.from(JSON.stringify(service)).toString('base64');
  const packages = machine.packages.map(quoted).join(' ');
  const url = quoted(`s3://${foundation.bucket}/${source.key}`);
  return `#!/bin/bash
set -euo pipefail
touch /var/log/clusternator.log
chmod 600 /var/log/clusternator.log
exec >>/var/log/clusternator.log 2>&1
export AWS_DEFAULT_REGION=${quoted(foundation.region)}
again() { until "$@"; do sleep 5; done; }

groupadd --system --gid ${ACCOUNT} clusternator
useradd --system --uid ${ACCOUNT} --gid clusternator --home-dir /opt/clusternator/home --shell /usr/sbin/nologin clusternator
mkdir -p /opt/clusternator/home /opt/clusternator/source
base64 -d >/opt/clusternator/service.json <<'END'
${settings}
END
${packed('/opt/clusternator/machine.py', MACHINE_PROGRAM)}
cat >${ENTER} <<'END'
#!/bin/sh
exec systemd-run --scope --quiet --collect --property='IPAddressDeny=${METADATA}' setpriv --reuid=clusternator --regid=clusternator --init-groups --no-new-privs /usr/bin/python3 /opt/clusternator/machine.py exec "$@"
END
chmod 755 ${ENTER}
${hasDisks ? DISKS : ''}${unit('clusternator-logs', 'What the service writes, to CloudWatch', ['ExecStart=/usr/bin/python3 /opt/clusternator/machine.py logs', 'Restart=always', 'RestartSec=5'])}
${unit('clusternator-values', 'The variables of the service, with its secrets', ['Type=oneshot', 'RemainAfterExit=yes', 'ExecStart=/usr/bin/python3 /opt/clusternator/machine.py values', 'Restart=on-failure', 'RestartSec=5', ...OUTPUT])}
${unit(
  'clusternator',
  'The service',
  [
    'User=clusternator',
    'ExecStartPre=/usr/bin/python3 /opt/clusternator/machine.py install',
    'ExecStart=/usr/bin/python3 /opt/clusternator/machine.py start',
    'Restart=always',
    'RestartSec=1',
    'TimeoutStartSec=infinity',
    'NoNewPrivileges=yes',
    `IPAddressDeny=${METADATA}`,
    ...OUTPUT,
  ],
  hasDisks ? AFTER_DISKS : [],
)}
systemctl daemon-reload
systemctl enable --now clusternator-logs.service
${packages === '' ? '' : `if command -v dnf; then again dnf --assumeyes install ${packages}; else again apt-get update; again apt-get --assume-yes install ${packages}; fi\n`}
again aws s3 cp --only-show-errors ${url} /opt/clusternator/source.tar.gz
echo ${quoted(`${source.sha256}  /opt/clusternator/source.tar.gz`)} | sha256sum --check --quiet
tar -xzf /opt/clusternator/source.tar.gz -C /opt/clusternator/source --no-same-owner
rm /opt/clusternator/source.tar.gz
chown -R clusternator:clusternator /opt/clusternator/home /opt/clusternator/source
${hasDisks ? 'systemctl enable --now clusternator-disks.service clusternator-growth.service\n' : ''}systemctl enable --now clusternator-values.service clusternator.service
`;
}

const OUTPUT = ['StandardOutput=append:/var/log/clusternator.log', 'StandardError=inherit'];

/** Starts again for as long as it takes: a machine that stays unhealthy is replaced. */
function unit(name: string, about: string, lines: readonly string[], order: readonly string[] = []): string {
  return `cat >/etc/systemd/system/${name}.service <<'END'
[Unit]
Description=${about}
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0
${order.map((line) => `${line}\n`).join('')}
[Service]
${lines.join('\n')}

[Install]
WantedBy=multi-user.target
END`;
}

/** What mounts them ends last: after the service, and before the network. */
const AFTER_DISKS = ['Requires=clusternator-disks.service', 'After=clusternator-disks.service'];
const DISKS = `${packed('/opt/clusternator/disks.py', DISK_PROGRAM)}
${unit('clusternator-disks', 'The disks of the service', [
  'Type=oneshot',
  'RemainAfterExit=yes',
  'ExecStart=/usr/bin/python3 /opt/clusternator/disks.py mount',
  'ExecStop=/usr/bin/python3 /opt/clusternator/disks.py release',
  'TimeoutStartSec=infinity',
  ...OUTPUT,
])}
${unit(
  'clusternator-growth',
  'Has file systems grow with their volumes',
  ['ExecStart=/usr/bin/python3 /opt/clusternator/disks.py grow', 'Restart=always', 'RestartSec=15', ...OUTPUT],
  AFTER_DISKS,
)}
`;

/** Writes a program, in less than half of its bytes, which leaves more to variables. */
function packed(file: string, program: string): string {
  return `base64 -d <<'END' | gunzip >${file}
${gzipSync(program, { level: 9 }).toString('base64')}
END`;
}

/** As one word of a shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
