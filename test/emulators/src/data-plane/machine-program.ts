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
