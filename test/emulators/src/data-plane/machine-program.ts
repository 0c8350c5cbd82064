/**
 * What cloud-init and systemd do of a machine, as far as user data goes, in Python: it writes down who the machine is, runs the user data as
 * root, starts units, and ends all when the machine is to end: processes first, then what ran once and is to be undone. A service that may not reach the machine's metadata gets no credentials.
 */
export const INIT = String.raw`#!/usr/bin/python3
import base64, os, signal, subprocess, sys, time

def end(*_):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.kill(-1, signal.SIGTERM)
    until = time.time() + 5
    while time.time() < until:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                time.sleep(0.05)
        except ChildProcessError:
            break
    else:
        os.kill(-1, signal.SIGKILL)
    for unit in sorted(os.listdir('/run/units')):
        subprocess.run(['/usr/local/bin/systemctl', 'stop', unit], env=kept)
    os._exit(0)

kept = {name: value for name, value in os.environ.items() if not name.startswith('MACHINE_')}
signal.signal(signal.SIGTERM, end)
os.makedirs('/run/units', exist_ok=True)
os.makedirs('/var/lib/cloud/data', exist_ok=True)
with open('/var/lib/cloud/data/instance-id', 'w') as file:
    file.write(os.environ['MACHINE_ID'] + '\n')
with open('/var/lib/cloud/user-data', 'wb') as file:
    file.write(base64.b64decode(os.environ['MACHINE_USER_DATA']))
os.chmod('/var/lib/cloud/user-data', 0o700)
subprocess.Popen(['/var/lib/cloud/user-data'], env=kept, cwd='/')
while True:
    try:
        os.wait()
    except ChildProcessError:
        time.sleep(0.2)
`;

/** Of systemctl, `daemon-reload`, `enable --now`, which waits for what runs once, and `stop` of that. @see https://www.freedesktop.org/software/systemd/man/latest/systemd.service.html */
export const SYSTEMCTL = String.raw`#!/usr/bin/python3
import os, shlex, subprocess, sys, time

METADATA = '169.254.169.254'

def settings(name):
    found = {}
    with open('/etc/systemd/system/' + name) as file:
        for line in file:
            key, is_set, value = line.strip().partition('=')
            if is_set:
                found.setdefault(key, []).append(value)
    return found

def last(unit, key, other=''):
    return unit.get(key, [other])[-1]

def run(unit, line):
    kind, _, path = last(unit, 'StandardOutput').partition(':')
    output = open(path, 'ab') if kind == 'append' else subprocess.DEVNULL
    user = last(unit, 'User')
    denied = METADATA in last(unit, 'IPAddressDeny')
    env = {name: value for name, value in os.environ.items() if not (denied and name.startswith('AWS_'))}
    who = {'user': user, 'group': user, 'extra_groups': []} if user else {}
    return subprocess.run(shlex.split(line), stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd='/', env=env, **who)

def once(unit):
    for line in unit.get('ExecStartPre', []) + unit['ExecStart']:
        if run(unit, line).returncode != 0:
            return False
    return True

def supervise(name, unit):
    restart = last(unit, 'Restart', 'no')
    while True:
        succeeded = once(unit)
        if succeeded and 'ExecStop' in unit:
            open('/run/units/' + name, 'w').close()
        if restart == 'no' or (restart == 'on-failure' and succeeded):
            return
        time.sleep(float(last(unit, 'RestartSec', '0.1')))

if sys.argv[1] == 'daemon-reload':
    sys.exit()
if sys.argv[1] == 'stop':
    unit = settings(sys.argv[2])
    for line in unit['ExecStop']:
        run(unit, line)
    sys.exit()
if sys.argv[1:3] != ['enable', '--now']:
    sys.exit('systemctl: not played here: ' + ' '.join(sys.argv[1:]))
for name in sys.argv[3:]:
    unit = settings(name)
    child = os.fork()
    if child == 0:
        os.setsid()
        supervise(name, unit)
        os._exit(0)
    if last(unit, 'Type') == 'oneshot':
        os.waitpid(child, 0)
`;

/** Where a Python is that runs as root, whoever starts it. */
export const AS_ROOT = '/usr/local/lib/python-as-root';

/** Of sudo, `-n` and a command, which ssm-user may run without a password. What the one who asks has for variables is left behind, but for the machine's credentials, which on AWS its metadata gives to all. */
export const SUDO = String.raw`#!${AS_ROOT} -I
import os, pwd, sys

who = pwd.getpwuid(os.getuid()).pw_name
if who not in ('root', 'ssm-user'):
    sys.exit('sudo: a password is required')
if sys.argv[1:2] != ['-n']:
    sys.exit('sudo: not played here: ' + ' '.join(sys.argv[1:]))
os.setgroups([0])
os.setresgid(0, 0, 0)
os.setresuid(0, 0, 0)
env = {'PATH': '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'HOME': '/root'}
kept = {name: value for name, value in os.environ.items() if name in ('TERM', 'LANG') or name.startswith('AWS_')}
os.execvpe(sys.argv[2], sys.argv[2:], {**env, **kept})
`;

/** Of systemd-run, a command in a scope of its own, in the terminal of who starts it. @see https://www.freedesktop.org/software/systemd/man/latest/systemd-run.html */
export const SYSTEMD_RUN = String.raw`#!/usr/bin/python3
import os, sys

words = sys.argv[1:]
at = next(index for index, word in enumerate(words) if not word.startswith('--'))
options, command = words[:at], words[at:]
unknown = [word for word in options if word.partition('=')[0] not in ('--scope', '--quiet', '--collect', '--property')]
if '--scope' not in options or unknown:
    sys.exit('systemd-run: not played here: ' + ' '.join(words))
if os.geteuid() != 0:
    sys.exit('Failed to start transient scope unit: Interactive authentication required.')
denied = any(word.startswith('--property=IPAddressDeny=') and '169.254.169.254' in word for word in options)
env = {name: value for name, value in os.environ.items() if not (denied and name.startswith('AWS_'))}
os.execvpe(command[0], command, env)
`;
